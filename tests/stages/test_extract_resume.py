"""extract-features stopped at any moment goes on with --resume and gives the file of a run that was never stopped."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.artifacts import partial_features
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.partial_features import PartialFeatures
from clcap_cli.stages.prepare_captions import prepare_captions
from tests.conftest import CommandResult

IMAGES = 80
NETWORK = ("--backbone", "test_resnet", "--weights", "random", "--image-size", 32, "--device", "cpu", "--threads", 1)


def write_captions(folder: Path, names: list[str], out: str = "captions.h5") -> Path:
    rows = [{"image": name, "caption": f"a {name}", "split": "train"} for name in names]
    table = folder / "table.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)))
    return prepare_captions(table, min_count=1, out=folder / out)


def write_image(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images/, one of which is cut off, and captions.h5."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "images").mkdir()
    names = [f"{number}.png" for number in range(IMAGES)]
    for seed, name in enumerate(names):
        write_image(folder / "images" / name, seed)
    cut = folder / "images" / names[40]
    cut.write_bytes(cut.read_bytes()[:-60])
    write_captions(folder, names)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "data")


@pytest.fixture
def extract(folder: Path, clcap: Callable[..., CommandResult]) -> Callable[..., CommandResult]:
    def run(*options: object, captions: str = "captions.h5", out: str = "f.h5") -> CommandResult:
        files = (folder / captions, "--images", folder / "images", "--out", folder / out, "--skip-bad")
        return clcap("extract-features", *files, *NETWORK, *options)

    return run


def content(path: Path) -> tuple[str, bytes, bytes]:
    opened = open_features(path)
    rows = np.arange(len(opened.ids))
    return opened.provenance.id, opened.pooled_at(rows).tobytes(), opened.grid_at(rows)[0].tobytes()


@pytest.fixture
def moments(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Copies of the partial file at every moment at which it was written; what a run leaves that is killed then."""
    copies: list[Path] = []

    def copy() -> None:
        kept = shutil.copytree(folder, folder.parent / f"moment {len(copies)}", ignore=shutil.ignore_patterns("images"))
        copies.append(kept)

    def before(name: str, owner: object) -> None:
        wrapped = getattr(owner, name)

        def call(*arguments: object) -> object:
            copy()
            return wrapped(*arguments)

        monkeypatch.setattr(owner, name, call)

    before("_write", PartialFeatures)
    before("write_metadata", partial_features)
    before("_give_name", partial_features)
    before("remove_partial", partial_features)
    yield copies
    monkeypatch.undo()


def test_a_run_killed_at_any_moment_gives_the_same_file(folder: Path, extract, moments: list[Path]) -> None:
    assert extract().status == 0
    expected = content(folder / "f.h5")
    assert len(moments) == 1 + 3 * 4 + 3  # the first is before the partial file was there
    for moment in [*moments[1:-3:3], *moments[-3:]]:
        shutil.copytree(moment, folder, dirs_exist_ok=True)
        if not (moment / "f.h5").exists():
            (folder / "f.h5").unlink(missing_ok=True)
        result = extract("--resume")
        assert result.status == 0, result.err
        assert content(folder / "f.h5") == expected
        assert not list(folder.glob("f.partial*"))
    assert "is finished: an earlier run" in result.err


def stop_at_second_batch(monkeypatch: pytest.MonkeyPatch, error: type[BaseException] = KeyboardInterrupt) -> None:
    """Stop runs when they have written the first batch, until the patch is undone."""
    append = PartialFeatures.append

    def stop(partial: PartialFeatures, batch: object) -> None:
        if partial.ids:
            raise error
        append(partial, batch)

    monkeypatch.setattr(PartialFeatures, "append", stop)


@pytest.fixture
def stopped(folder: Path, extract, monkeypatch: pytest.MonkeyPatch) -> CommandResult:
    """What a run prints that is interrupted after its first batch of 32 images."""
    with monkeypatch.context() as patch:
        stop_at_second_batch(patch)
        return extract()


def test_an_interrupted_run_keeps_its_rows(folder: Path, extract, stopped: CommandResult) -> None:
    assert stopped.status == 130
    last = stopped.err.splitlines()[-1]
    assert last.startswith(f"interrupted after 32 of 80 images, saved in {folder / 'f.partial'}; continue with: ")
    assert sorted(path.name for path in folder.glob("f.*")) == ["f.partial", "f.partial.json"]
    result = extract("--resume")
    assert f"continuing from {folder / 'f.partial'}: after 32 of 80 images" in result.err
    assert not list(folder.glob("f.partial*"))
    assert extract(out="other.h5").status == 0
    assert content(folder / "f.h5") == content(folder / "other.h5")


def test_a_resumed_run_stopped_early_loses_nothing(
    folder: Path, extract, stopped: CommandResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PartialFeatures, "keep", stop)
        result = extract("--resume")
    assert result.status == 130
    assert f"interrupted; {folder / 'f.partial'} is as it was before; continue with: " in result.err
    assert "after 32 of 80 images" in extract("--resume").err


def test_without_resume_the_rows_are_not_lost(folder: Path, extract, stopped: CommandResult) -> None:
    result = extract()
    assert result.status == 1
    assert result.err.splitlines()[-1] == (
        f"error: {folder / 'f.partial'} has the features of an interrupted run; continue it with --resume, or delete "
        "the file to start from the beginning"
    )
    (folder / "f.partial").unlink()
    assert extract().status == 0


def test_other_settings_and_inputs_are_refused_by_name(folder: Path, extract, stopped: CommandResult) -> None:
    write_captions(folder, [f"{number}.png" for number in range(50)], "other.h5")
    cases = {
        "--image-size 32, here --image-size 48; to continue": extract("--resume", "--image-size", 48),
        "--backbone test_resnet, here --backbone test_vit; to continue": extract("--resume", "--backbone", "test_vit"),
        "captions captions.h5 with id": extract("--resume", captions="other.h5"),
        "--threads 1, here --threads 2; to continue": extract("--resume", "--threads", 2),
    }
    for problem, result in cases.items():
        assert result.status == 1
        message = result.err.splitlines()[-1]
        assert message.startswith(f"error: {folder / 'f.partial'} belongs to another run: {problem}"), message
        assert message.endswith(f"to start another one, give another --out or delete {folder / 'f.partial'}")
    assert extract("--resume").status == 0


@pytest.mark.parametrize("kind", ["image changed", "row damaged", "file cut off"])
def test_rows_that_do_not_hold_are_computed_again(folder: Path, extract, stopped: CommandResult, kind: str) -> None:
    rows = folder / "f.partial"
    if kind == "image changed":
        write_image(folder / "images" / "3.png", 1000)
    elif kind == "row damaged":
        record = json.loads((folder / "f.partial.json").read_text())
        content_of_rows = bytearray(rows.read_bytes())
        content_of_rows[record["layout"]["grid"] + 5] ^= 1
        rows.write_bytes(content_of_rows)
    else:
        rows.write_bytes(rows.read_bytes()[:3000])
    result = extract("--resume")
    assert result.status == 0, result.err
    assert "after 0 of 80 images" in result.err
    assert extract(out="other.h5").status == 0
    assert content(folder / "f.h5") == content(folder / "other.h5")


def test_resume_of_nothing_starts_and_of_a_finished_run_ends(folder: Path, extract) -> None:
    first = extract("--resume")
    assert f"nothing to resume: no {folder / 'f.partial'}; starting from the beginning" in first.err
    written = (folder / "f.h5").stat().st_mtime_ns
    second = extract("--resume")
    assert (second.status, second.out) == (0, f"{folder / 'f.h5'}\n")
    assert f"{folder / 'f.h5'} is finished: an earlier run with the same settings and inputs wrote it" in second.err
    assert (folder / "f.h5").stat().st_mtime_ns == written


def test_the_old_file_stays_until_the_new_one_is_complete(folder: Path, extract, monkeypatch) -> None:
    write_captions(folder, [f"{number}.png" for number in range(10)], "few.h5")
    assert extract(captions="few.h5").status == 0
    old = content(folder / "f.h5")
    with monkeypatch.context() as patch:
        stop_at_second_batch(patch)
        assert extract().status == 130
    assert content(folder / "f.h5") == old
    assert "10 of 80 images are already in" in extract("--resume").err
    assert extract(captions="few.h5", out="g.h5").status == 0
    assert extract(out="g.h5").status == 0
    assert content(folder / "f.h5") == content(folder / "g.h5")


def test_a_full_disk_keeps_the_rows_that_are_there(folder: Path, extract, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill_disk(partial: PartialFeatures, batch: object) -> None:
        if partial.ids:
            patch.setattr(partial_features, "write_all", full)
        append(partial, batch)

    append = PartialFeatures.append
    with monkeypatch.context() as patch:
        patch.setattr(PartialFeatures, "append", fill_disk)
        result = extract()
    assert result.status == 1
    place, error = result.err.splitlines()[-2:]
    assert place.startswith(f"stopped after 32 of 80 images, saved in {folder / 'f.partial'}; continue with: ")
    assert error == f"error: {folder / 'f.h5'} cannot be written: No space left on device"
    assert extract("--resume").status == 0


def test_a_damaged_record_is_named(folder: Path, extract, stopped: CommandResult) -> None:
    path = folder / "f.partial.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "layout": {**record["layout"], "grid": 10**15}}))
    result = extract("--resume")
    assert result.status == 1
    assert result.err.splitlines()[-1].startswith(f"error: {path} is damaged, or another version of HDF5 wrote it: ")
    path.write_text(json.dumps({**record, "threads": 0}))
    assert f"error: {path} is not a complete clcap/partial-features file: at threads: " in extract("--resume").err
    assert (folder / "f.partial").stat().st_size < 10**6


def test_a_stopped_run_is_shown(folder: Path, stopped: CommandResult, clcap: Callable[..., CommandResult]) -> None:
    for name in ("f.partial", "f.partial.json"):
        result = clcap("show", folder / name)
        assert result.status == 0, result.err
        assert "32 of 80 done, in f.partial; extract-features --resume completes them" in result.out


@pytest.mark.parametrize("options", [(), ("--resume",)])
@pytest.mark.parametrize("name", ["f.partial", "f.partial.json"])
def test_a_file_of_this_name_is_never_replaced(name: str, options: tuple[str, ...], folder: Path, extract) -> None:
    (folder / name).write_text("my own notes")
    result = extract(*options)
    assert result.status == 1
    assert str(folder / name) in result.err
    assert (folder / name).read_text() == "my own notes"


def test_a_complete_file_called_partial_is_kept(folder: Path, shared_chain: Path, extract) -> None:
    shutil.copy(shared_chain / "features.h5", folder / "f.partial")
    assert extract().err.endswith(
        f"error: {folder}/f.partial is not an unfinished features file, but extract-features needs this name for "
        f"{folder}/f.h5; rename it or give another --out\n"
    )
    assert (folder / "f.partial").read_bytes() == (shared_chain / "features.h5").read_bytes()
