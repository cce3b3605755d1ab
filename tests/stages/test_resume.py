"""Training runs that are stopped and resumed end with the same files as uninterrupted ones."""

import json
import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.lineage import RecordedArtifact, find_input, read_provenance
from clcap_cli.errors import ClcapError
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training import loop
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.pair_task import PairTask
from clcap_cli.training.run import TrainingRun
from clcap_cli.training.saved_state import open_saved_state
from tests.artifacts.test_output_lock import held_by_another_process
from tests.conftest import CommandResult
from tests.training.running import Killed

Clcap = Callable[..., CommandResult]
AtStep = Callable[[int, Callable[[], Any]], None]
COMMON = ("--batch-size", 6, "--device", "cpu", "--dropout", 0.5, "--lr", 0.01, "--eval-every", 3)
MLE = ("train-mle", "captions.h5", "features.h5", "--embedding", 8, "--hidden", 8, "--epochs", 2, *COMMON)
CL = ("train-cl", "--ref", "nt.pt", "--k", 2, "--epochs", 2, *COMMON)
RUNS: dict[str, tuple[object, ...]] = {
    "mle": (*MLE, "--select-by", "cider", "--max-tokens", 40, "--optimizer", "adamw", "--warmup-steps", 2),
    "contrastive": CL,
    "fixed negatives": (*CL, "--fix-negatives", "--negatives", "mixed"),
    "negative pool": (*CL, "--reference-pool", 4, "--objective", "dpo", "--target", "aa.pt", "--mle-weight", 0.5),
    "introspective": (*CL, "--objective", "introspective"),
    "adversarial": (*CL, "--objective", "adversarial", "--mle-weight", 0.5),
}


@pytest.fixture(autouse=True)
def in_chain(chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(chain)
    return chain


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as it does at the start of Python; background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[AtStep]:
    """Arrange that a function is called in a step of the next training."""
    original = loop._step

    def arrange(step: int, act: Callable[[], Any]) -> None:
        def acting(state: Any, *rest: Any) -> None:
            original(state, *rest)
            if state.progress.step == step:
                act()

        monkeypatch.setattr(loop, "_step", acting)

    yield arrange


def kill() -> None:
    raise Killed


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupted(clcap: Clcap, words: tuple[object, ...]) -> CommandResult:
    """The result of a command that is interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # an interrupted command ignores what follows
    result = clcap(*words)
    assert (result.status, result.out) == (130, "")
    return result


def never() -> None:
    pass


def contents(out: Path) -> dict[str, Any]:
    """What a finished run leaves, except times."""
    files = [out, out.with_name(f"{out.stem}.discriminator.pt")]
    found: dict[str, Any] = {}
    for path in filter(Path.exists, files):
        content = torch.load(path, weights_only=True)
        content["provenance"] = {name: content["provenance"][name] for name in ("id", "settings", "inputs")}
        content["provenance"]["settings"].pop("out")
        content["training"]["metrics"].pop("data_wait_share")
        found[path.suffixes[-1] + str(len(path.suffixes))] = json.dumps(content, default=_digest)
    lines = map(json.loads, out.with_suffix(".log.jsonl").read_text().splitlines())
    found["log"] = [{k: v for k, v in line.items() if k not in ("seconds", "data_wait_share")} for line in lines]
    return found


def _digest(value: torch.Tensor) -> str:
    return f"{value.dtype} {tuple(value.shape)} {sha256(value.contiguous().numpy().tobytes()).hexdigest()}"


@pytest.mark.usefixtures("small_discriminator")
@pytest.mark.parametrize("name", RUNS)
def test_a_run_stopped_at_any_step_ends_with_the_same_files(
    clcap: Clcap, at_step: AtStep, in_chain: Path, name: str
) -> None:
    """It is killed between two states, interrupted in the middle of an epoch, and before a validation that is due."""
    assert clcap(*RUNS[name], "--out", "whole.pt").status == 0
    words = (*RUNS[name], "--out", "new.pt", "--resume", "--save-every", 1)
    at_step(2, kill)
    with pytest.raises(Killed):
        clcap(*words)
    at_step(3, interrupt)
    interrupted(clcap, words)
    (in_chain / "nt.reference.h5").unlink()
    at_step(5, interrupt)
    interrupted(clcap, words)
    at_step(0, never)
    result = clcap(*words)
    assert result.status == 0, result.err
    assert "continuing from new.state.pt: epoch 1.25 (step 5)" in result.err.splitlines()
    assert contents(Path("new.pt")) == contents(Path("whole.pt"))
    assert sorted(path.name for path in in_chain.glob("*new*")) == sorted(
        path.name.replace("whole", "new") for path in in_chain.glob("*whole*")
    )


@pytest.fixture
def unfinished(clcap: Clcap, at_step: AtStep) -> str:
    """Leave new.state.pt and new.best.pt of a run of 8 steps, interrupted at step 4; returns its messages."""
    at_step(4, interrupt)
    result = interrupted(clcap, (*MLE, "--out", "new.pt"))
    at_step(0, never)
    return result.err


def test_an_interruption_prints_the_command_that_continues(unfinished: str) -> None:
    command = shlex.join(["clcap", *map(str, MLE), "--out", "new.pt", "--resume"])
    assert unfinished.splitlines()[-1] == (
        f"interrupted at epoch 1 (step 4), saved in new.state.pt; continue with: {command}"
    )
    assert open_saved_state(Path("new.state.pt")).continue_with == command


def test_the_best_checkpoint_so_far_is_usable(clcap: Clcap, unfinished: str) -> None:
    assert clcap("caption", "new.best.pt").status == 0
    assert clcap("train-cl", "--ref", "new.best.pt", "--epochs", 1, "--k", 1, "--out", "cl.pt").status == 0
    assert clcap("train-mle", *MLE[1:], "--out", "new.pt", "--resume", "--quiet").err == ""
    assert not Path("new.best.pt").exists() and not Path("new.state.pt").exists()


def test_show_tells_unfinished_runs_from_finished_ones(clcap: Clcap, unfinished: str) -> None:
    state, best, finished = (clcap("show", name).out for name in ("new.state.pt", "new.best.pt", "nt.pt"))
    assert "training  unfinished; stopped after epoch 1 (step 4)\n" in state
    assert "best      epoch 0.75 (step 3)\n" in state
    assert "computed  on cpu with " in state
    assert f"continue  clcap {shlex.join(map(str, MLE))} --out new.pt --resume\n" in state
    assert "training  unfinished; the best so far by val_loss, after epoch 0.75\n" in best
    assert "training  finished; best epoch 2 of 2 by val_loss\n" in finished


def test_show_tells_a_running_process_from_a_stopped_one(clcap: Clcap, unfinished: str) -> None:
    with held_by_another_process(Path("new.state.pt")), held_by_another_process(Path("new.best.pt")):
        state, best = (clcap("show", name).out for name in ("new.state.pt", "new.best.pt"))
    assert "training  running; saved after epoch 1 (step 4)\n" in state
    assert "continue" not in state
    assert "training  running; the best so far by val_loss, after epoch 0.75\n" in best


def test_files_made_from_the_best_so_far_find_the_finished_model(clcap: Clcap, at_step: AtStep) -> None:
    """The best checkpoint so far is the finished one if no later one was better."""
    at_step(8, interrupt)
    interrupted(clcap, (*MLE, "--epochs", 3, "--out", "new.pt"))
    clcap("caption", "new.best.pt")
    found = read_provenance(Path("new.best.captions.json"))
    Path("new.best.pt").rename("new.pt")
    artifact = RecordedArtifact(Path("new.best.captions.json"), found)
    assert find_input(artifact, "checkpoint", None, "--checkpoint").name == "new.pt"
    Path("aa.pt").replace("new.pt")
    with pytest.raises(ClcapError, match=r"was created from new\.best\.pt, which no longer exists"):
        find_input(artifact, "checkpoint", None, "--checkpoint")


def test_without_a_state_a_run_starts_fresh_and_says_so(clcap: Clcap) -> None:
    result = clcap(*MLE, "--max-steps", 1, "--out", "new.pt", "--resume")
    assert (result.status, result.out) == (0, "new.pt\n")
    assert result.err.startswith("nothing to resume: no new.state.pt; starting from the beginning\n")


def test_a_finished_run_says_so_and_does_nothing(clcap: Clcap) -> None:
    clcap(*MLE, "--max-steps", 1, "--out", "new.pt", "--threads", 1)
    before = Path("new.pt").read_bytes()
    result = clcap(*MLE, "--max-steps", 1, "--out", "new.pt", "--resume", "--save-every", "3m")
    assert (result.status, result.out) == (0, "new.pt\n")
    assert result.err.startswith("new.pt is finished: an earlier run with the same settings and inputs wrote it\n")
    assert Path("new.pt").read_bytes() == before


def test_a_run_killed_after_its_last_write_is_finished(
    clcap: Clcap, unfinished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(TrainingRun, "_remove_temporary_files", kill_method)
        with pytest.raises(Killed):
            clcap(*MLE, "--out", "new.pt", "--resume")
    assert Path("new.state.pt").exists() and Path("new.pt").exists()
    assert "new.pt is finished" in clcap(*MLE, "--out", "new.pt", "--resume").err
    assert not Path("new.state.pt").exists() and not Path("new.best.pt").exists()


def kill_method(_: object) -> None:
    raise Killed


ADVICE = "to continue that run, repeat its command, and to start another one, give another --out or delete"


def test_other_settings_are_refused_by_the_names_of_options(error_of: Callable[..., str], unfinished: str) -> None:
    changed = (*MLE, "--lr", 0.5, "--clip-norm", 2, "--model-option", "image_relu=true", "--out", "new.pt", "--resume")
    assert error_of(*changed) == (
        "new.state.pt belongs to another run: no --model-option, here --model-option image_relu=true; --lr 0.01, here "
        f"--lr 0.5; --clip 0.1, here no --clip; no --clip-norm, here --clip-norm 2.0; {ADVICE} new.state.pt"
    )


def test_other_settings_of_a_finished_run_are_refused(error_of: Callable[..., str], chain: Path) -> None:
    before = (chain / "nt_cl.pt").read_bytes()
    words = ("train-cl", "--ref", "nt.pt", "--k", 3, "--epochs", 1, "--device", "cpu", "--fix-negatives", "--resume")
    assert error_of(*words) == (
        "nt_cl.pt belongs to another run: --k 2, here --k 3; no --redraw-negatives/--fix-negatives, here "
        f"--fix-negatives; {ADVICE} nt_cl.pt"
    )
    assert (chain / "nt_cl.pt").read_bytes() == before


def test_other_inputs_are_refused(clcap: Clcap, error_of: Callable[..., str], unfinished: str) -> None:
    clcap("prepare-captions", "--train", "scenes/captions_train.json", "--val", "scenes/captions_val.json")
    message = error_of(*MLE, "--out", "new.pt", "--resume")
    assert re.fullmatch(
        r"new\.state\.pt belongs to another run: captions captions\.h5 with id \w+, here captions\.h5 with id \w+; "
        r"captions\.h5 changed since then; to continue that run, restore the earlier version and repeat its "
        r"command, .*",
        message,
    )


def test_a_state_is_never_overwritten_by_another_run(error_of: Callable[..., str], unfinished: str) -> None:
    before = Path("new.state.pt").read_bytes()
    assert error_of(*MLE, "--out", "new.pt") == (
        "new.state.pt is the saved state of an interrupted run, epoch 1 (step 4); continue it with --resume, or delete "
        "the file to start from the beginning"
    )
    assert Path("new.state.pt").read_bytes() == before


@pytest.mark.parametrize("cut", [0, 100, -5000])
def test_a_truncated_state_is_reported(error_of: Callable[..., str], unfinished: str, cut: int) -> None:
    Path("new.state.pt").write_bytes(Path("new.state.pt").read_bytes()[:cut])
    message = error_of(*MLE, "--out", "new.pt", "--resume")
    assert message.startswith("new.state.pt is ")
    assert message.endswith("; delete it to start the run from the beginning")


@pytest.mark.parametrize("content", [b"", b"some text\n"], ids=["empty", "text"])
def test_a_file_that_is_no_state_is_named(error_of: Callable[..., str], content: bytes) -> None:
    Path("new.state.pt").write_bytes(content)
    assert re.fullmatch(
        r"new\.state\.pt is .*; the saved state of a training run \(\*\.state\.pt\) is expected here; delete it to "
        "start the run from the beginning",
        error_of(*MLE, "--out", "new.pt", "--resume"),
    )


def test_a_state_of_a_newer_version_is_refused(error_of: Callable[..., str], unfinished: str) -> None:
    content = torch.load("new.state.pt", weights_only=True)
    content["provenance"]["version"] = 99
    torch.save(content, "new.state.pt")
    assert "reads up to version " in error_of(*MLE, "--out", "new.pt", "--resume")


def test_an_interrupted_validation_is_repeated(clcap: Clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    clcap(*CL, "--out", "whole.pt")
    original, calls = PairTask.validate, iter(range(9))

    def validate(task: PairTask) -> dict[str, float]:
        if next(calls) == 2:
            interrupt()
        return original(task)

    with monkeypatch.context() as context:
        context.setattr(PairTask, "validate", validate)
        result = interrupted(clcap, (*CL, "--out", "new.pt"))
    assert "interrupted at epoch 1.5 (step 6), saved in new.state.pt; " in result.err
    assert clcap(*CL, "--out", "new.pt", "--resume").status == 0
    assert contents(Path("new.pt")) == contents(Path("whole.pt"))


def test_before_the_first_step_nothing_is_saved(clcap: Clcap, chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MleTask, "validate", lambda _: interrupt())
    result = interrupted(clcap, (*MLE, "--out", "new.pt"))
    assert result.err.splitlines()[-1] == "interrupted; no file is half-written, and the old ones are as they were"
    assert not list(chain.glob("*new*"))


def test_a_second_signal_stops_at_once(clcap: Clcap, at_step: AtStep, chain: Path) -> None:
    at_step(4, lambda: (interrupt(), interrupt()))
    result = interrupted(clcap, (*MLE, "--save-every", 3, "--out", "new.pt"))
    message = result.err.splitlines()[-1]
    assert message.startswith(
        "interrupted; no file is half-written, and the old ones are as they were; the state saved in new.state.pt is "
        "kept; continue with: clcap train-mle captions.h5 "
    )
    assert message.endswith(" --resume")
    assert open_saved_state(Path("new.state.pt")).progress.step == 3


def test_a_state_that_cannot_be_saved_is_reported_with_its_cause(
    clcap: Clcap, at_step: AtStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk() -> None:
        monkeypatch.setattr(torch_files, "save", full)
        interrupt()

    at_step(4, fill_disk)
    result = interrupted(clcap, (*MLE, "--save-every", 3, "--out", "new.pt"))
    assert result.err.splitlines()[-1].startswith(
        "interrupted at epoch 1 (step 4), but new.state.pt cannot be written: No space left on device; the state saved "
        "in new.state.pt before is kept; continue with: clcap train-mle "
    )
    assert open_saved_state(Path("new.state.pt")).progress.step == 3


def full(content: object, out: Path) -> None:
    raise ClcapError(f"{out} cannot be written: No space left on device")


def test_a_full_disk_does_not_end_training(clcap: Clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    save = torch_files.save
    monkeypatch.setattr(torch_files, "save", lambda content, out: (full if out.stem != "new" else save)(content, out))
    result = clcap(*MLE, "--max-steps", 6, "--save-every", 1, "--out", "new.pt")
    assert result.status == 0
    assert [line for line in result.err.splitlines() if line.startswith("warning")] == [
        "warning: new.state.pt cannot be written: No space left on device; training continues, and the next attempt is "
        "made after --save-every",
        "warning: new.best.pt cannot be written: No space left on device; training continues",
    ]


def test_a_disk_full_at_the_end_names_the_saved_state(
    error_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch_files.save
    monkeypatch.setattr(torch_files, "save", lambda content, out: (full if out.stem == "new" else save)(content, out))
    message = error_of(*MLE, "--max-steps", 3, "--save-every", 2, "--out", "new.pt")
    assert message.startswith(
        "new.pt cannot be written: No space left on device; the state saved in new.state.pt is kept; continue with: "
        "clcap train-mle captions.h5 "
    )


def test_a_signal_after_the_last_step_is_answered_truly(clcap: Clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, written = loop._finish, list[bytes]()
    monkeypatch.setattr(os, "write", lambda descriptor, content: written.append(content))
    monkeypatch.setattr(loop, "_finish", lambda state: (interrupt(), finish(state))[1])
    result = clcap(*MLE, "--max-steps", 3, "--out", "new.pt")
    assert result.status == 0
    assert Path("new.pt").exists()
    assert written == [b"\ntraining has ended; writing new.pt; a second signal stops at once\n"]


def test_a_stage_called_from_python_raises_keyboard_interrupt(at_step: AtStep, capsys: pytest.CaptureFixture) -> None:
    files = {"captions": "captions.h5", "features": "features.h5", "out": "new.pt"}
    small = {"embedding": 8, "hidden": 8, "epochs": 2, "device": "cpu", "batch_size": 6}
    at_step(4, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_mle(**files, **small)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert capsys.readouterr().err.splitlines()[-1].endswith("continue with: train_mle(..., resume=True)")
    assert train_mle(**files, **small, resume=True) == Path("new.pt")


def test_a_resumed_run_computes_as_before(clcap: Clcap, at_step: AtStep, monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(2, interrupt)
    interrupted(clcap, (*MLE, "--out", "new.pt", "--threads", 3))
    at_step(0, never)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    result = clcap(*MLE, "--out", "new.pt", "--resume")
    assert (result.status, result.out) == (0, "new.pt\n")
    assert read_provenance(Path("new.pt")).settings["threads"] == 3
    assert (
        "warning: the run computes with 3 threads, as before; this machine has only 2 processors, so steps take longer"
        in result.err.splitlines()
    )


def test_a_device_that_is_gone_is_named(error_of: Callable[..., str], unfinished: str) -> None:
    content = torch.load("new.state.pt", weights_only=True)
    content["computation"]["device"] = "cuda:7"
    content["provenance"]["settings"]["device"] = "auto"
    torch.save(content, "new.state.pt")
    message = error_of(*MLE, "--out", "new.pt", "--resume")
    assert message.startswith("no device 'cuda:7' on this machine, which has: ")
    assert message.endswith("; new.state.pt was saved on it")


def test_the_report_of_negatives_says_since_when(clcap: Clcap, at_step: AtStep) -> None:
    at_step(5, interrupt)
    interrupted(clcap, (*CL, "--out", "new.pt"))
    at_step(0, never)
    lines = clcap(*CL, "--out", "new.pt", "--resume").err.splitlines()
    assert any(line.startswith("negatives since the run was resumed at epoch 1.25 (step 5): ") for line in lines)


@pytest.mark.parametrize("value", ["0", "0m", "-1", "10 m", "10h", "m", "1e3", "", "9999999999"])
def test_an_interval_that_is_none_is_refused(clcap: Clcap, value: str) -> None:
    result = clcap(*MLE, "--save-every", value)
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        f"error: --save-every: '{value}' is neither a number of steps, such as 500, nor of minutes, such as 10m (see "
        "clcap train-mle --help)\n"
    )


def test_a_run_does_not_overwrite_its_own_inputs(error_of: Callable[..., str], unfinished: str) -> None:
    Path("new.state.pt").unlink()
    assert error_of("train-cl", "--ref", "new.best.pt", "--out", "new.pt") == (
        "new.best.pt is an input of this command, so it cannot be overwritten; give another name"
    )
