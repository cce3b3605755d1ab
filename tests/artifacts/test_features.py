from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.feature_batch import FeatureBatch
from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.partial_features import create_partial
from clcap_cli.artifacts.partial_record import KIND, Extraction
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.row_digests import row_digest
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


def write_features(path: Path, names: dict, batches: list[tuple]) -> None:
    origin = Origin("test", {})
    provenance = origin.make_provenance(KIND, "", path)
    extraction = Extraction(
        provenance=provenance, backbone=BACKBONE, images=len(names), reused=None, device="cpu", threads=1
    )
    with create_partial(path, extraction) as partial:
        for ids, pooled, grid in batches:
            partial.append(FeatureBatch(ids, pooled, grid, [bytes(16)] * len(ids)))
        partial.finish(names, origin.make_provenance("clcap/features", "", path))


def write_random_features(path: Path, ids: list, seed: int = 0, skipped: tuple = ()) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pooled, grid = rng.normal(size=(len(ids), 5)).astype("f2"), rng.normal(size=(len(ids), 4, 3)).astype("f2")
    parts = [slice(first, first + 2) for first in range(0, len(ids), 2)]
    batches = [(ids[part], pooled[part], grid[part]) for part in parts]
    names = {id: f"{id}.jpg" for id in [*skipped, *ids]}
    write_features(path, names, batches)
    return pooled, grid


def test_written_features_are_memory_mapped(tmp_path: Path) -> None:
    pooled, grid = write_random_features(tmp_path / "f.h5", [4, 9, 2])
    features = open_features(tmp_path / "f.h5")
    assert isinstance(features.pooled, np.memmap)
    assert features.backbone == BACKBONE
    assert np.array_equal(features.pooled, pooled)
    assert np.array_equal(features.grid, grid)
    assert features.rows_of([2, 4]).tolist() == [2, 0]


def test_skipped_images_have_no_rows(tmp_path: Path) -> None:
    pooled, grid = write_random_features(tmp_path / "f.h5", ["x", "y"], skipped=("bad", "worse"))
    features = open_features(tmp_path / "f.h5")
    assert features.ids == ["x", "y"]
    assert features.names == ["x.jpg", "y.jpg"]
    assert features.skipped == ["bad", "worse"]
    assert np.array_equal(features.pooled, pooled)
    assert np.array_equal(features.grid, grid)


def test_the_size_on_disk_matches_the_estimate(tmp_path: Path) -> None:
    write_random_features(tmp_path / "f.h5", list(range(4000)))
    estimate = 4000 * BACKBONE.bytes_per_image()
    assert estimate <= (tmp_path / "f.h5").stat().st_size <= estimate + 4000 * 72 + 50_000


def test_the_id_depends_on_the_content(tmp_path: Path) -> None:
    ids = []
    for number, seed in enumerate((0, 0, 1)):
        write_random_features(tmp_path / f"{number}.h5", [1, 2], seed)
        ids.append(open_features(tmp_path / f"{number}.h5").provenance.id)
    assert ids[0] == ids[1] != ids[2]


def test_features_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    batch = ([5, 6], np.array([[0] * 5, [np.inf] * 5], "f2"), np.zeros((2, 4, 3), "f2"))
    with pytest.raises(ClcapError, match="image 6 has features that are not finite"):
        write_features(tmp_path / "f.h5", {5: "a", 6: "b"}, [batch])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("pooled", np.zeros((3, 5), "f4"), "'pooled' is float32 (3, 5), expected float16 (any, 5)"),
        ("pooled", np.zeros((3, 6), "f2"), "'pooled' is float16 (3, 6), expected float16 (any, 5)"),
        ("pooled", np.zeros((2, 5), "f2"), "'pooled' has 2 rows, expected 3"),
        ("grid", np.zeros((3, 3, 4), "f2"), "'grid' is float16 (3, 3, 4), expected float16 (any, 4, 3)"),
        ("grid", np.zeros((2, 4, 3), "f2"), "'grid' has 2 rows, expected 3"),
        ("ids", np.array([4, 9, 9]), "'ids' contains 9 twice"),
        ("ids", np.array([4, 9]), "'names' is text (3), expected text (2)"),
        ("skipped", np.zeros((1, 1), "i8"), "'skipped' is int64 (1, 1), expected int64 (any)"),
    ],
)
def test_a_dataset_of_wrong_type_shape_or_range_is_refused(
    tmp_path: Path, name: str, value: np.ndarray, problem: str
) -> None:
    path = tmp_path / "f.h5"
    write_random_features(path, [4, 9, 2])
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = value
    with pytest.raises(ClcapError) as error:
        open_features(path)
    assert str(error.value) == f"{path} is damaged: its {problem}; create it again"


@pytest.mark.parametrize("number", [0, -3])
def test_a_backbone_with_invalid_sizes_is_refused(tmp_path: Path, number: int) -> None:
    write_random_features(tmp_path / "f.h5", [4])
    with h5py.File(tmp_path / "f.h5", "a") as file:
        file.attrs["backbone"] = file.attrs["backbone"].replace('"regions":4', f'"regions":{number}')
    with pytest.raises(ClcapError, match=r"f\.h5 is not a clcap features file: its backbone record is damaged"):
        open_features(tmp_path / "f.h5")


@pytest.mark.parametrize("name", ["pooled", "grid"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, -np.nan])
def test_stored_features_that_are_not_finite_are_refused(tmp_path: Path, name: str, number: float) -> None:
    path = tmp_path / "f.h5"
    write_random_features(path, [4, 9, 2])
    with h5py.File(path, "a") as file:
        file[name][2] = number
    features = open_features(path)
    hand_out = {"pooled": features.pooled_at, "grid": lambda rows: features.grid_at(rows)[0]}[name]
    assert np.isfinite(hand_out(np.array([1, 0]))).all()
    with pytest.raises(ClcapError) as error:
        hand_out(np.array([0, 2]))
    assert str(error.value) == (f"{path} is damaged: the features of image 2 are not finite numbers; create it again")


def test_the_largest_finite_features_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "f.h5"
    write_random_features(path, [4])
    with h5py.File(path, "a") as file:
        file["pooled"][0] = [np.finfo("f2").max, np.finfo("f2").min, 0, -0.0, np.finfo("f2").smallest_subnormal]
        file["row_digests"][0] = np.frombuffer(row_digest(file["pooled"][0], file["grid"][0]), "u1")
    assert open_features(path).pooled_at(np.array([0]))[0, 0] == np.finfo("f2").max
