"""Fuzzing of the readers of clcap: mutated copies of real files, read in processes with limits.

A ``Format`` names the reader of a kind of file and the real files that are mutated. ``fuzz`` reads each mutated file as
the stages do. The only clean refusal is a ClcapError; everything else that a reader raises counts as a traceback.

The process that calls ``fuzz`` loads the reader once and forks a worker for a batch of inputs. If a worker dies, the
input that killed it is recorded, and another worker goes on with the rest of the batch.
"""

import io
import os
import pickle
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO

from tests.reliability.fuzz_worker import Limits, Outcome, read_inputs
from tests.reliability.mutations import GENERAL, Mutator, insert_token, splice

BATCH = 250
"""Number of inputs that one worker reads."""
HANGS = (signal.SIGPROF, signal.SIGALRM)
"""Signals that end a worker whose input takes too long."""
FAILURES = {
    "traceback": "tracebacks",
    "hang": "hangs",
    "crash": "crashes",
    "memory": "over the memory limit",
    "write": "writes outside the output folder",
}
"""Kinds of failures, and their names in a summary."""


@dataclass(frozen=True)
class Format:
    """A kind of file, and how clcap reads it."""

    name: str
    file_name: str
    """Name of the mutated file, such as ``captions.h5``; readers may depend on the suffix."""
    read: Callable[[Path], object]
    """Reads the file like the stages that take it, including all of its content that they use."""
    seeds: Sequence[Path]
    """Real files, which are mutated."""
    mutators: Sequence[Mutator] = ()
    """Mutators that know the format; half of all mutations are theirs."""
    tokens: Sequence[bytes] = ()
    """Byte strings with a meaning in the format."""
    beside: Sequence[Path] = ()
    """Files that lie beside the mutated one, under their own names."""
    limits: Limits = field(default_factory=Limits)


@dataclass
class Summary:
    """Counts of the outcomes of a format's inputs."""

    name: str
    inputs: int = 0
    rejected: int = 0
    accepted: int = 0
    worst_seconds: float = 0.0
    """Largest processor time of an input."""
    worst_bytes: int = 0
    """Largest growth of memory while an input was read."""
    failures: dict[str, int] = field(default_factory=dict)
    """Number of inputs by kind of failure, one of ``FAILURES``."""

    def add(self, outcome: Outcome) -> None:
        """Count the outcome of one input."""
        self.inputs += 1
        self.worst_seconds = max(self.worst_seconds, outcome.seconds)
        self.worst_bytes = max(self.worst_bytes, outcome.bytes)
        if outcome.kind == "rejected":
            self.rejected += 1
        elif outcome.kind == "accepted":
            self.accepted += 1
        else:
            self.failures[outcome.kind] = self.failures.get(outcome.kind, 0) + 1

    def __str__(self) -> str:
        failures = ", ".join(f"{self.failures.get(kind, 0)} {plural}" for kind, plural in FAILURES.items())
        return (
            f"{self.name}: {self.inputs} inputs, {self.rejected} rejected, {self.accepted} accepted, worst "
            f"{self.worst_seconds:.2f} s and {self.worst_bytes / 2**20:.0f} MiB; {failures}"
        )


def mutated(format: Format, seeds: Sequence[bytes], number: int, seed: int) -> bytes:
    """The input with this ``number``; the same arguments give the same bytes."""
    random = Random(f"{format.name} {seed} {number}")
    general = [*GENERAL, splice(seeds), *([insert_token(format.tokens)] if format.tokens else [])]
    content = random.choice(seeds)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        own = format.mutators and random.random() < 0.5
        content = random.choice(format.mutators if own else general)(content, random)
    return content


def fuzz(format: Format, inputs: int, seed: int = 0, failures: Path | None = None) -> Summary:
    """Read ``inputs`` mutated files; those with a failure are copied into the folder ``failures``."""
    seeds = [path.read_bytes() for path in format.seeds]
    summary = Summary(format.name)
    with tempfile.TemporaryDirectory(prefix="clcap-fuzz-") as folder:
        _load(format, Path(folder))
        _check_seeds_are_accepted(format, seeds, Path(folder))
        for start in range(0, inputs, BATCH):
            numbers = range(start, min(start + BATCH, inputs))
            for number, outcome in _outcomes(format, seeds, numbers, seed, Path(folder)):
                summary.add(outcome)
                if outcome.is_failure and failures:
                    _save(failures / f"{format.name}-{seed}-{number}-{outcome.kind}", format, seeds, outcome)
    return summary


def _load(format: Format, folder: Path) -> None:
    """Read a real file in this process, so that workers are forked with everything that the reader imports."""
    for path in format.beside:
        shutil.copy(path, folder / path.name)
    shutil.copy(format.seeds[0], folder / format.file_name)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        format.read(folder / format.file_name)


def _check_seeds_are_accepted(format: Format, seeds: Sequence[bytes], folder: Path) -> None:
    """Raise ValueError unless the format's reader accepts the files that are mutated."""
    for path, content in zip(format.seeds, seeds, strict=True):
        (outcome,) = _run_worker(format, [content], folder)
        if outcome.kind != "accepted":
            raise ValueError(f"{format.name}: {path} is not accepted: {outcome.text}")


def _outcomes(
    format: Format, seeds: Sequence[bytes], numbers: Sequence[int], seed: int, folder: Path
) -> Iterator[tuple[int, Outcome]]:
    """The outcome of each input of a batch; a worker that dies is replaced."""
    while numbers:
        contents = (mutated(format, seeds, number, seed) for number in numbers)
        found = _run_worker(format, contents, folder)
        yield from zip(numbers, found, strict=False)
        numbers = numbers[len(found) :]


def _run_worker(format: Format, contents: "Iterator[bytes] | list[bytes]", folder: Path) -> list[Outcome]:
    """The outcomes of the inputs that a worker has read; if it died, the last one says how."""
    receiver, sender = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(receiver)
        read_inputs(format.read, format.file_name, format.beside, contents, folder, format.limits, sender)
    os.close(sender)
    with os.fdopen(receiver, "rb") as stream:
        found = list(_received(stream))
    _, status, used = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        kind = "hang" if -code in HANGS else "crash"
        found.append(Outcome(kind, used.ru_utime + used.ru_stime, 0, f"the process ended with status {code}"))
    return found


def _received(stream: IO[bytes]) -> Iterator[Outcome]:
    while True:
        try:
            yield Outcome(*pickle.load(stream))
        except (EOFError, pickle.UnpicklingError):
            return


def _save(path: Path, format: Format, seeds: Sequence[bytes], outcome: Outcome) -> None:
    path.mkdir(parents=True, exist_ok=True)
    _, seed, number, _ = path.name.rsplit("-", 3)
    (path / format.file_name).write_bytes(mutated(format, seeds, int(number), int(seed)))
    (path / "outcome.txt").write_text(outcome.text)
