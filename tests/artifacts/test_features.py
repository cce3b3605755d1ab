from pathlib import Path

import numpy as np
import pytest

from clcap_cli.artifacts.features import BackboneInfo, open_features, write_features
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError

BACKBONE = BackboneInfo(
    name="made-up",
    weights="random",
    weights_id="0",
    image_size=32,
    mean=(0, 0, 0),
    std=(1, 1, 1),
    interpolation="bicubic",
    crop_pct=1,
    regions=4,
    grid_channels=3,
    pooled_channels=5,
)


def made_up(path: Path, ids: list, seed: int = 0, skipped: tuple = ()) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pooled, grid = rng.normal(size=(len(ids), 5)).astype("f2"), rng.normal(size=(len(ids), 4, 3)).astype("f2")
    parts = [slice(first, first + 2) for first in range(0, len(ids), 2)]
    batches = [(ids[part], pooled[part], grid[part]) for part in parts]
    names = {id: f"{id}.jpg" for id in [*skipped, *ids]}
    write_features(path, names, BACKBONE, batches, Origin("test", {}))
    return pooled, grid


def test_what_is_written_is_mapped(tmp_path: Path) -> None:
    pooled, grid = made_up(tmp_path / "f.h5", [4, 9, 2])
    found = open_features(tmp_path / "f.h5")
    assert isinstance(found.pooled, np.memmap)
    assert found.backbone == BACKBONE
    assert np.array_equal(found.pooled, pooled)
    assert np.array_equal(found.grid, grid)
    assert found.rows_of([2, 4]).tolist() == [2, 0]


def test_rows_of_images_that_were_left_out_do_not_count(tmp_path: Path) -> None:
    pooled, grid = made_up(tmp_path / "f.h5", ["x", "y"], skipped=("bad", "worse"))
    found = open_features(tmp_path / "f.h5")
    assert found.ids == ["x", "y"]
    assert found.names == ["x.jpg", "y.jpg"]
    assert found.skipped == ["bad", "worse"]
    assert np.array_equal(found.pooled, pooled)
    assert np.array_equal(found.grid, grid)


def test_the_size_on_disk_is_the_estimate(tmp_path: Path) -> None:
    made_up(tmp_path / "f.h5", list(range(4000)))
    estimate = 4000 * BACKBONE.bytes_per_image()
    assert estimate <= (tmp_path / "f.h5").stat().st_size <= estimate + 4000 * 40 + 50_000


def test_the_id_follows_the_content(tmp_path: Path) -> None:
    ids = []
    for number, seed in enumerate((0, 0, 1)):
        made_up(tmp_path / f"{number}.h5", [1, 2], seed)
        ids.append(open_features(tmp_path / f"{number}.h5").provenance.id)
    assert ids[0] == ids[1] != ids[2]


def test_features_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    batch = ([5, 6], np.array([[0] * 5, [np.inf] * 5], "f2"), np.zeros((2, 4, 3), "f2"))
    with pytest.raises(ClcapError, match="gave image 6 features that are not finite"):
        write_features(tmp_path / "f.h5", {5: "a", 6: "b"}, BACKBONE, [batch], Origin("test", {}))
    assert list(tmp_path.iterdir()) == []
