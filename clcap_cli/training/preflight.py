"""Trying before the first step what a training run needs later, so that it fails at once and not after hours."""

import copy
import errno
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import nn

from clcap_cli.artifacts.atomic import free_bytes
from clcap_cli.artifacts.output_path import real_path
from clcap_cli.artifacts.torch_files import trained_weights
from clcap_cli.compute.divided_model import whole
from clcap_cli.console import print_result
from clcap_cli.errors import ClcapError, NonFiniteError, is_out_of_memory
from clcap_cli.training.loop import add_gradients
from clcap_cli.training.run_files import state_path
from clcap_cli.training.schedule import total_steps_of
from clcap_cli.training.state import TrainState

IMAGES = 4
"""Number of validation images that a dry run captions."""
NO_RESERVATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
"""Errors of file systems that cannot reserve room."""
MIB = 2**20


@dataclass(frozen=True)
class FileSizes:
    """Estimated sizes of a run's files in bytes."""

    checkpoint: int
    """The checkpoint, with the discriminator if there is one."""
    state: int
    """The saved state: networks, moments of the optimisers, and the best weights."""

    @property
    def at_once(self) -> int:
        """Room that is needed at one time: a new state beside the old one, and the best checkpoint so far."""
        return 2 * self.state + self.checkpoint


def sizes_of(state: TrainState) -> FileSizes:
    """The sizes of the files of a run, of which only the tensors count that are trained."""
    networks = sum(map(_size, state.networks.values()))
    moments = 2 * sum(
        parameter.nbytes
        for optimizer in state.optimizers.values()
        for group in optimizer.param_groups
        for parameter in group["params"]
    )
    return FileSizes(networks, networks + moments + _size(state.task.model))


def check_room(out: Path, sizes: FileSizes, existing: int) -> None:
    """Raise ClcapError unless the disk has room for the files of the run beside ``out``.

    ``existing`` are the bytes of those files that are there already, from an earlier part of the run.
    """
    folder = real_path(out).parent
    needed, free = sizes.at_once - existing, free_bytes(out)
    parts = f"checkpoint {sizes.checkpoint / MIB:,.1f} MiB, saved state {sizes.state / MIB:,.1f} MiB"
    if needed > free:
        raise ClcapError(
            f"{out} needs {needed / MIB:,.1f} MiB during training ({parts}, twice while it is replaced), but the disk "
            f"of {folder} has only {free / MIB:,.1f} MiB free; free some space or give another --out"
        )
    with ExitStack() as files:
        for path, size in ((state_path(out), sizes.state), (out, sizes.checkpoint)):
            try:
                _reserve(files.enter_context(tempfile.TemporaryFile(dir=folder)).fileno(), size)
            except OSError as error:
                problem = f"{path} cannot be written during training ({parts}): {error.strerror or error}"
                raise ClcapError(f"{problem}; {_advice_on_room(error)}") from error


def try_step(state: TrainState) -> float:
    """Compute loss and gradients of the first micro-batch and discard them; returns the seconds that this took.

    Raises ClcapError if they do not fit into memory together with the optimiser's moments and the best weights.
    """
    task = state.task
    started = time.monotonic()
    with _unchanged(state), suppress(NonFiniteError):
        try:
            later = [torch.empty_like(one) for one in trained_weights(task.model).values() for _ in range(3)]
            loaded = task.load(task.micro_batches(task.batches(1)[0])[0][0])
            started = time.monotonic()
            task.model.train()
            metrics, _ = add_gradients(state, loaded, 1.0)
            float(metrics["loss"])  # waits for the device
            del later
        except (MemoryError, RuntimeError) as error:
            raise _memory_error(error) from error
    return time.monotonic() - started


def print_dry_run(state: TrainState, out: Path, sizes: FileSizes, before_steps: str) -> None:
    """Try captioning too, and print what was tried, with estimates of time and room.

    ``before_steps`` is work before the first step that is not tried, in words; empty if there is none.
    """
    seconds = try_step(state)  # the second time, without what takes longer only once
    steps = len(state.task.batches(1))
    total = total_steps_of(state.settings, steps)
    parts = len(state.task.micro_batches(state.task.batches(1)[0]))
    untimed = f"validations and {before_steps}" if before_steps else "validations"
    print_result(f"step:       loss and gradients of a batch, {seconds * parts:.3f} s")
    print_result(f"validation: {_try_validation(state)}")
    print_result(
        f"files:      checkpoint {sizes.checkpoint / MIB:,.1f} MiB, saved state {sizes.state / MIB:,.1f} MiB, "
        f"{sizes.at_once / MIB:,.1f} MiB at once; {free_bytes(out) / MIB:,.0f} MiB free"
    )
    print_result(
        f"time:       {steps:,} steps per epoch, at most {total:,} steps, about "
        f"{timedelta(seconds=round(seconds * parts * total))} without {untimed}"
    )


def _try_validation(state: TrainState) -> str:
    """Caption a few images and compute their metrics; returns what was tried, in words."""
    sample = state.task.sample
    if sample is None:
        return "only the loss, as in the step"
    state.task.model.eval()
    with whole(state.task.model):
        metrics = sample.metrics(state.task.model, IMAGES)
    return f"captions of {min(IMAGES, len(sample.references))} images; {', '.join(metrics)}"


@contextmanager
def _unchanged(state: TrainState) -> Iterator[None]:
    """Undo what a step changes: gradients, the task's own networks and optimisers, random generators and the mode."""
    model, extra = state.task.model, state.task.extra_state
    networks, optimizers = _copies(extra.networks), _copies(extra.optimizers)
    generators = {name: one.get_state() for name, one in state.generators.items()}
    mode = model.training
    try:
        yield
    finally:
        model.train(mode)
        for network in state.networks.values():
            network.zero_grad(set_to_none=True)
        for name, content in networks.items():
            extra.networks[name].load_state_dict(content)
        for name, content in optimizers.items():
            extra.optimizers[name].load_state_dict(content)
        for name, generator_state in generators.items():
            state.generators[name].set_state(generator_state)


def _copies(owners: Mapping[str, nn.Module] | Mapping[str, torch.optim.Optimizer]) -> dict[str, dict]:
    return {name: copy.deepcopy(owner.state_dict()) for name, owner in owners.items()}


def _size(network: nn.Module) -> int:
    return sum(value.nbytes for value in trained_weights(network).values())


def _reserve(descriptor: int, size: int) -> None:
    """Reserve room on the disk for a moment, which also respects quotas and limits of file sizes."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in NO_RESERVATION:
            raise


def _advice_on_room(error: OSError) -> str:
    if error.errno == errno.EFBIG:
        return "raise the limit on the size of files (ulimit -f, or that of the file system)"
    return "free some space or give another --out"


def _memory_error(error: Exception) -> Exception:
    if isinstance(error, RuntimeError) and not is_out_of_memory(error):
        return error
    return ClcapError(
        "a training step does not fit into memory; give a smaller --max-tokens, which computes a batch in parts with "
        "the same result, or a smaller --batch-size"
    )
