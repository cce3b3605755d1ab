"""--track tensorboard: the event files have the numbers of the log, whatever happens to the training."""

import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.errors import ClcapError
from clcap_cli.tracking.tensorboard import TensorBoard
from tests.tracking.training import failing, log_of, train, train_until


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), {"scalars": 0, "tensors": 0}).Reload()


def shown(folder: Path) -> dict[str, dict[int, float]]:
    """The values of each number by step, as TensorBoard shows them; no step is there twice."""
    read, values = events(folder), {}
    for name in read.Tags()["scalars"]:
        found = read.Scalars(name)
        values[name] = {one.step: one.value for one in found}
        assert len(values[name]) == len(found)
    return values


def same(log: dict[str, dict[int, float]]) -> dict[str, object]:
    """What float32 keeps of a log."""
    return {name: pytest.approx(values, rel=1e-6) for name, values in log.items()}


@pytest.fixture
def tracked(chain: Path) -> Path:
    """The checkpoint of a tracked training."""
    return train(chain, track="tensorboard", select_by="cider")


def test_all_numbers_and_the_settings_are_there(tracked: Path) -> None:
    folder = tracked.with_suffix(".tensorboard")
    assert {"loss", "lr", "epoch", "val_loss", "val_R@1", "val_CIDEr"} < shown(folder).keys()
    assert shown(folder) == same(log_of(tracked))
    (settings,) = events(folder).Tensors("settings")
    (text,) = settings.tensor_proto.string_val
    assert b"| lr | `0.01` |\n" in text and b"| seed | `0` |\n" in text


def test_a_stopped_and_resumed_training_has_each_step_once(chain: Path) -> None:
    train_until(6, chain, track="tensorboard", save_every="3")
    assert set(shown(chain / "x.tensorboard")["val_loss"]) == {0, 2, 4, 6}
    train_until(7, chain, track="tensorboard", resume=True)
    assert set(shown(chain / "x.tensorboard")["val_loss"]) == {0, 2, 4, 6}
    out = train(chain, track="tensorboard", resume=True)
    assert shown(out.with_suffix(".tensorboard")) == same(log_of(out))
    assert len(list(out.with_suffix(".tensorboard").iterdir())) == 1


def test_tracking_changes_nothing_and_may_begin_and_end_at_a_resumption(chain: Path) -> None:
    whole = read_provenance(train(chain).rename(chain / "whole.pt")).id
    train_until(3, chain, save_every="1")
    train_until(5, chain, save_every="1", resume=True, track="tensorboard")
    assert set(shown(chain / "x.tensorboard")["val_loss"]) == {0, 2, 4}
    assert read_provenance(train(chain, resume=True)).id == whole


def test_a_new_training_replaces_the_events_when_it_has_finished(tracked: Path) -> None:
    folder = tracked.with_suffix(".tensorboard")
    (earlier,) = folder.iterdir()
    (folder / "notes.txt").touch()
    train_until(3, tracked.parent, track="tensorboard", lr=0.02)
    assert earlier.exists()
    assert set(shown(folder)["val_loss"]) == {0, 2}
    out = train(tracked.parent, track="tensorboard", lr=0.02)
    assert shown(folder) == same(log_of(out))
    assert not earlier.exists() and (folder / "notes.txt").exists()


def test_a_full_disk_is_a_warning_and_what_is_missing_is_written_later(
    chain: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(TensorBoard, "_append", failing(TensorBoard._append, 2, 4))
    out = train(chain, track="tensorboard")
    assert shown(out.with_suffix(".tensorboard")) == same(log_of(out))
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warnings == [
        "warning: --track tensorboard: No space left on device; training continues, and the next validation tries again"
    ]


def test_what_stays_missing_is_counted(
    chain: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(TensorBoard, "update", failing(TensorBoard.update, 2, 99))
    out = train(chain, track="tensorboard")
    assert out.exists()
    assert capsys.readouterr().err.splitlines()[-2] == (
        "warning: --track tensorboard: No space left on device; "
        f"{chain}/x.tensorboard lacks the last 5 of 5 validations"
    )


def test_a_folder_that_cannot_be_written_is_refused_before_training(chain: Path) -> None:
    (chain / "x.tensorboard").touch()
    with pytest.raises(ClcapError, match=r"x\.tensorboard cannot be written: .*x\.tensorboard is not a folder$"):
        train(chain, track="tensorboard")
    with pytest.raises(ClcapError, match=r"has 256 bytes, at most 255 are possible; give a shorter name$"):
        train(chain, out=chain / f"{244 * 'x'}.pt", track="tensorboard")


def test_an_error_at_the_start_is_an_error(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TensorBoard, "update", failing(TensorBoard.update, 1, 1))
    with pytest.raises(ClcapError, match=r"^--track tensorboard: .*; nothing was trained$"):
        train(chain, track="tensorboard")
    assert not (chain / "x.pt").exists()


def test_a_dry_run_writes_nothing(chain: Path) -> None:
    before = sorted(chain.rglob("*"))
    train(chain, track="tensorboard", dry_run=True)
    assert sorted(chain.rglob("*")) == before


def test_a_missing_package_and_an_unknown_name_are_named(
    chain: Path, error_of, usage_error_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("train-cl", "--ref", chain / "nt.pt", "--track")
    assert usage_error_of(*words, "tensorbord").startswith(
        "error: --track: unknown tracker 'tensorbord'; did you mean tensorboard?"
    )
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert error_of(*words, "tensorboard") == (
        "--track tensorboard needs the package tensorboard, which is not installed: pip install 'clcap[track]'"
    )
