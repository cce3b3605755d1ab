import errno
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts import sink
from clcap_cli.artifacts.cache import LOG_PROBS_KIND, NEIGHBOURS_KIND, ArrayCache
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError


def origin(folder: Path, content: str = "one", **settings: object) -> Origin:
    source = folder / "source.txt"
    source.write_text(content)
    result = Origin("train-cl", settings)
    result.add_input_file("reference", source)
    return result


def never() -> np.ndarray:
    raise AssertionError("computed again")


def test_an_array_is_computed_once(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    first = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", lambda: np.arange(6.0).reshape(2, 3))
    again = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))
    assert np.array_equal(again.get("a", never), first)
    again.get("b", lambda: np.zeros(1))
    assert np.array_equal(ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", never), first)


@pytest.mark.parametrize(("content", "settings"), [("two", {}), ("one", {"nearest": 3})])
def test_a_cache_of_changed_inputs_is_discarded(tmp_path: Path, content: str, settings: dict[str, int]) -> None:
    path = tmp_path / "cache.h5"
    ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", lambda: np.zeros(2))
    other = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path, content, **settings))
    assert other.get("a", lambda: np.ones(2)).tolist() == [1, 1]


def test_other_files_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    path.write_text("mine")
    with pytest.raises(ClcapError, match=r"cache\.h5 is a text file that starts with 'mine'; a cache of the"):
        ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))
    assert path.read_text() == "mine"
    path.unlink()
    ArrayCache(path, NEIGHBOURS_KIND, origin(tmp_path)).get("a", lambda: np.zeros(2))
    with pytest.raises(ClcapError, match="is a cache of nearest neighbours of train-cl; a cache of the reference"):
        ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))


def test_a_damaged_cache_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", lambda: np.zeros(2))
    with h5py.File(path, "a") as file:
        file.create_group("arrays/group")
    with pytest.raises(
        ClcapError, match=r"cache\.h5 stores its 'arrays/group' .*; if you move or delete it, clcap computes it again"
    ):
        ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))


def test_a_single_changed_value_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", lambda: np.zeros(2))
    with h5py.File(path, "a") as file:
        file["arrays/a"][1] = 1e-9
    with pytest.raises(ClcapError, match=r"cache\.h5 is damaged; delete it: clcap will compute it again"):
        ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))


def test_an_array_of_an_unexpected_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path)).get("a", lambda: np.zeros(2))
    cache = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))
    with pytest.raises(ClcapError, match=r"cache\.h5 is damaged; delete it: clcap will compute it again"):
        cache.get("a", never, lambda found: found.shape == (3,))


def test_a_full_disk_only_costs_time(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, origin(tmp_path))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sink, "write_all", full)
    assert cache.get("a", lambda: np.ones(2)).tolist() == [1, 1]
    assert (
        "cache.h5 cannot be written: No space left on device; clcap will compute it again next time"
        in capsys.readouterr().err
    )
    assert [item.name for item in tmp_path.iterdir()] == ["source.txt"]


def test_a_read_only_folder_only_costs_time(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    cache = ArrayCache(tmp_path / "missing" / "cache.h5", LOG_PROBS_KIND, origin(tmp_path))
    assert cache.get("a", lambda: np.ones(2)).tolist() == [1, 1]
    assert "cannot be written" in capsys.readouterr().err


def test_an_array_can_replace_others_by_name(tmp_path: Path) -> None:
    path = tmp_path / "cache.h5"
    cache = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))
    for name in ("other", "pool-a", "pool-b"):
        cache.get(name, lambda: np.ones(2), replaced="pool-" if name.startswith("pool-") else "")
    again = ArrayCache(path, LOG_PROBS_KIND, origin(tmp_path))
    assert again.arrays.keys() == {"other", "pool-b"}
    again.get("pool-b", never, replaced="pool-")
    assert again.arrays.keys() == {"other", "pool-b"}
