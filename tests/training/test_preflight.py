"""What a run needs later is tried before its first step, without any effect on its result."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.errors import ClcapError
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training.preflight import check_room, sizes_of, try_step
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.state import TrainState
from tests.artifacts.test_output_lock import held_by_another_process
from tests.training.tasks import adversarial_task, introspective_task, mle_task, pair_task

TASKS = [mle_task, pair_task, introspective_task, adversarial_task]
SHORT: dict[str, Any] = {"max_steps": 3, "device": "cpu", "threads": 1}


def content(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("make", TASKS)
def test_a_tried_step_changes_nothing(shared_chain: Path, make: Any) -> None:
    state = TrainState(make(shared_chain), Optimisation(select_by="mean-rank"))
    before = {name: value.clone() for owner in state._tensors().values() for name, value in owner.items()}
    try_step(state)
    after = {name: value for owner in state._tensors().values() for name, value in owner.items()}
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for network in state.networks.values() for p in network.parameters())


@pytest.mark.usefixtures("small_discriminator")
@pytest.mark.parametrize("objective", ["contrastive", "adversarial"])
def test_preflight_does_not_change_the_result(chain: Path, objective: str) -> None:
    files = [chain / "with.pt", chain / "without.pt"]
    for out, no_preflight in zip(files, (False, True), strict=True):
        options = {"objective": objective, "dropout": 0.3, "no_preflight": no_preflight, "k": 2}
        train_cl(chain / "nt.pt", out=out, **options, **SHORT)
    one, other = map(content, files)
    assert one["provenance"]["id"] == other["provenance"]["id"]
    assert all(torch.equal(one["weights"][name], other["weights"][name]) for name in one["weights"])


def test_the_estimated_sizes_are_those_of_the_files(chain: Path) -> None:
    state = TrainState(mle_task(chain), Optimisation())
    estimated = sizes_of(state).checkpoint
    assert estimated < (chain / "nt.pt").stat().st_size < estimated + 20_000


def test_a_dry_run_says_what_it_tried_and_writes_nothing(clcap, chain: Path) -> None:
    before = {path: path.read_bytes() for path in chain.iterdir() if path.is_file()}
    (chain / "nt.reference.h5").unlink()
    words = ("train-cl", "--ref", chain / "nt.pt", "--k", 2, "--reference-pool", 9, "--dry-run")
    result = clcap(*words, "--out", chain / "new" / "x.pt")
    assert result.status == 0
    lines = [line.split(":")[0] for line in result.out.splitlines()]
    assert lines == ["step", "validation", "files", "time"]
    assert "captions of 4 images; R@1, mean_rank, unique_share, empty_share, CIDEr" in result.out
    assert result.out.rstrip().endswith(
        " without validations and the reference's scoring of recurring pairs, after which steps take less time"
    )
    assert {path: path.read_bytes() for path in chain.iterdir() if path.is_file()} == {
        path: content for path, content in before.items() if path.name != "nt.reference.h5"
    }
    assert not (chain / "new").exists()


def test_a_dry_run_of_train_mle_keeps_the_old_file(clcap, chain: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in chain.iterdir()}
    result = clcap("train-mle", chain / "captions.h5", chain / "features.h5", "--out", chain / "nt.pt", "--dry-run")
    assert result.status == 0
    assert "validation: only the loss, as in the step" in result.out
    assert {path: path.stat().st_mtime_ns for path in chain.iterdir()} == files


def test_a_dry_run_does_not_wait_for_a_running_process(clcap, chain: Path) -> None:
    out = chain / "nt.pt"
    words = ("train-mle", chain / "captions.h5", chain / "features.h5", "--out", out)
    with held_by_another_process(out):
        files = sorted(chain.iterdir())
        assert "is being written by process" in clcap(*words).err
        result = clcap(*words, "--dry-run")
        assert sorted(chain.iterdir()) == files
    assert result.status == 0, result.err
    assert f"another process is writing {out}; the run that is tried could start when that one has ended" in result.err


def test_a_full_disk_is_found_before_the_first_step(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(chain)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ClcapError) as error:
        train_mle(chain / "captions.h5", chain / "features.h5", out=chain / "new.pt", **SHORT)
    assert str(error.value).startswith(f"{chain / 'new.pt'} needs ")
    assert str(error.value).endswith(
        f"twice while it is replaced), but the disk of {chain} has only 1.0 MiB free; free some space or give another "
        "--out"
    )
    assert not (chain / "new.log.jsonl").exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_limit_of_file_sizes_is_found_before_the_first_step(chain: Path, tmp_path: Path) -> None:
    sizes = sizes_of(TrainState(mle_task(chain), Optimisation()))
    with largest_file(sizes.state // 2), pytest.raises(ClcapError) as error:
        check_room(tmp_path / "x.pt", sizes, 0)
    assert str(error.value) == (
        f"{tmp_path / 'x.state.pt'} cannot be written during training (checkpoint 0.2 MiB, saved state 0.6 MiB): File "
        "too large; raise the limit on the size of files (ulimit -f, or that of the file system)"
    )
    assert not list(tmp_path.glob("*x.pt*"))


def test_a_lack_of_memory_is_said_with_what_to_do(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = TrainState(mle_task(chain), Optimisation())

    def fail(loaded: object) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(state.task, "loss", fail)
    with pytest.raises(ClcapError) as error:
        try_step(state)
    assert str(error.value) == (
        "a training step does not fit into memory; give a smaller --max-tokens, which computes a batch in parts with "
        "the same result, or a smaller --batch-size"
    )


def test_a_dry_run_cannot_skip_the_preflight(usage_error_of, chain: Path) -> None:
    message = usage_error_of("train-cl", "--ref", chain / "nt.pt", "--dry-run", "--no-preflight")
    assert "--no-preflight: --dry-run is given too, which does only that" in message
