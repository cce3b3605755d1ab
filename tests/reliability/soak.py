"""Kills stages with SIGKILL at random moments, lets them go on, and compares the results with uninterrupted runs.

Run it with ``python -m tests.reliability.soak --kills 200 --seed 0``. After each kill, every output must be missing,
the whole old file or the whole new one; in the end, the outputs must hold the same results as an uninterrupted run, and
no temporary file, lock or state may be left.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.forked_stage import LOG, finish, import_everything, kill, start
from tests.reliability.same_files import READERS, content_of
from tests.reliability.soak_cases import CASES, PREPARATION, WITHOUT_TORCH, Case, outputs

SHARE_AIMED = 0.5
"""Share of kills shortly after a file appears; the others come at any moment of the run."""
SHARE_WITH_OLD_OUTPUTS = 0.5
SHARE_OF_FURTHER_KILLS = 0.8
SECONDS_OF_WRITING = 0.02
PATIENCE = 3.0
"""How much longer a run may take than the uninterrupted one until the kill stops waiting for a file."""


@dataclass
class Record:
    """What happened to one case."""

    kills: int = 0
    kills_while_writing: int = 0
    """Kills while a temporary file existed."""
    resumes: int = 0
    """Runs that went on with what a killed one had saved."""
    completed: int = 0
    """Runs that were killed once or more, and whose results were compared."""
    mismatches: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Soak:
    """A folder with the inputs and the expected outputs of each case."""

    def __init__(self, folder: Path, cases: Sequence[Case], seed: int):
        self.folder, self.cases, self.random = folder, cases, random.Random(seed)
        self.durations: dict[str, float] = {}
        self.records = {case.name: Record() for case in cases}

    def prepare(self, needed: Sequence[Case]) -> None:
        """Run the ``needed`` cases uninterrupted, the inputs of each copied before it runs."""
        base = self.folder / "base"
        base.mkdir()
        for case in needed:
            PREPARATION.get(case.name, lambda _: None)(base)
            shutil.copytree(base, self._inputs(case))
            self.durations[case.name] = finish(base, case.command)
            shutil.copytree(base, self._expected(case))

    def run_until(self, kills: int) -> None:
        """Kill the cases in turn until there were ``kills`` kills in all."""
        while sum(record.kills for record in self.records.values()) < kills:
            for case in self.cases:
                self.attempt(case)

    def attempt(self, case: Case) -> None:
        """Kill a case once or more, let it go on, and record what differs."""
        record, started = self.records[case.name], time.monotonic()
        place = self.folder / "run"
        shutil.copytree(self._inputs(case), place)
        if self.random.random() < SHARE_WITH_OLD_OUTPUTS:
            shutil.copytree(self._old(case), place, dirs_exist_ok=True)
        old = {path: path.read_bytes() for path in outputs(case, place)}
        killed = self._kill(case, place, record)
        record.mismatches += self._unexpected(case, place, old)
        while killed and self.random.random() < SHARE_OF_FURTHER_KILLS:
            killed = self._kill(case, place, record)
            record.mismatches += self._unexpected(case, place, old)
        finish(place, self._command(case, place, record))
        record.completed += 1
        record.mismatches += self._differences(case, place)
        record.seconds += time.monotonic() - started
        shutil.rmtree(place)

    def _inputs(self, case: Case) -> Path:
        return self.folder / f"inputs of {case.name}"

    def _expected(self, case: Case) -> Path:
        return self.folder / f"expected of {case.name}"

    def _old(self, case: Case) -> Path:
        """A folder with outputs of an earlier run, which has another seed if the stage has one."""
        folder = self.folder / f"old outputs of {case.name}"
        if not folder.exists():
            shutil.copytree(self._inputs(case), folder)
            self.durations[case.name] = finish(folder, f"{case.command} {case.other_seed}")
            (folder / LOG).unlink()
        return folder

    def _kill(self, case: Case, place: Path, record: Record) -> bool:
        """Start a case and kill it at a random moment; returns False if it ended before."""
        process = start(place, self._command(case, place, record))
        duration = self.durations[case.name]
        if self.random.random() > SHARE_AIMED:
            time.sleep(self.random.random() * duration)
        elif case.state and self.random.random() < 0.5:
            _wait_for(lambda: (place / case.state).exists(), PATIENCE * duration)
            time.sleep(self.random.random() * duration / 2)
        else:
            _wait_for(lambda: any(_temporary_files(place)), PATIENCE * duration)
            time.sleep(self.random.random() ** 3 * SECONDS_OF_WRITING)
        was_killed = kill(process)
        record.kills += was_killed
        record.kills_while_writing += was_killed and any(_temporary_files(place))
        return was_killed

    def _command(self, case: Case, place: Path, record: Record) -> str:
        """The case's command, with ``--resume`` if a killed run saved something."""
        resumed = bool(case.state) and (place / case.state).exists()
        record.resumes += resumed
        return f"{case.command} --resume" if resumed else case.command

    def _unexpected(self, case: Case, place: Path, old: dict[Path, bytes]) -> list[str]:
        """Outputs that are neither the whole old file nor the whole new one, and other files that cannot be read."""
        found = outputs(case, place)
        missing = [f"{case.name}: {path.name} is lost" for path in old if path not in found]
        changed = [path for path in found if path.read_bytes() != old.get(path)]
        others = [path for path in place.iterdir() if path.suffix in READERS and path not in found]
        return [
            *missing,
            *(note for path in changed for note in self._difference(case, place, path)),
            *(note for path in others for note in _unreadable(case, path)),
        ]

    def _differences(self, case: Case, place: Path) -> list[str]:
        """Outputs that differ from those of the uninterrupted run, and files that are left."""
        names, wanted = (
            {path.relative_to(folder) for path in outputs(case, folder)} for folder in (place, self._expected(case))
        )
        notes = [f"{case.name}: {name} is missing" for name in wanted - names]
        notes += [f"{case.name}: {path.name} is left" for path in _left(place, self._expected(case))]
        return notes + [note for name in names for note in self._difference(case, place, place / name)]

    def _difference(self, case: Case, place: Path, path: Path) -> list[str]:
        expected = self._expected(case) / path.relative_to(place)
        if notes := _unreadable(case, path):
            return notes
        same = expected.exists() and content_of(path) == content_of(expected)
        return [] if same else [f"{case.name}: {path.name} differs"]


def _unreadable(case: Case, path: Path) -> list[str]:
    """A note if ``path``, an output, a cache or what a run saved, cannot be read."""
    try:
        content_of(path)
    except Exception as error:  # whatever a reader raises for a damaged file
        return [f"{case.name}: {path.name} cannot be read: {error}"]
    return []


def _temporary_files(place: Path) -> Iterable[Path]:
    return place.rglob(".*.part")


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not condition():
        time.sleep(0.0002)


def _left(place: Path, expected: Path) -> list[Path]:
    """Files in ``place`` that the uninterrupted run did not leave."""
    known = {path.relative_to(expected) for path in expected.rglob("*")}
    return [path for path in place.rglob("*") if path.relative_to(place) not in known and path.name != LOG]


def summary(records: dict[str, Record], seconds: float) -> str:
    """The table of all cases, and what differed."""
    lines = [f"{'stage':<22}{'kills':>7}{'writing':>9}{'resumed':>9}{'compared':>10}{'mismatches':>12}{'seconds':>9}"]
    numbers = {
        name: (one.kills, one.kills_while_writing, one.resumes, one.completed, len(one.mismatches), one.seconds)
        for name, one in records.items()
    }
    numbers["all"] = tuple(map(sum, zip(*numbers.values(), strict=True)))
    lines += ["{:<22}{:>7}{:>9}{:>9}{:>10}{:>12}{:>9.1f}".format(name, *row) for name, row in numbers.items()]
    mismatches = sorted({note for one in records.values() for note in one.mismatches})
    return "\n".join([*lines, f"{seconds:.0f} s in all", *mismatches])


def soak(folder: Path, names: Sequence[str], kills: int, seed: int) -> tuple[dict[str, Record], str]:
    """Kill the cases with these names until there were ``kills`` kills; returns the records and their summary."""
    started = time.monotonic()
    cases = [case for case in CASES if not names or case.name in names]
    needed = CASES[: CASES.index(cases[-1]) + 1]
    import_everything(slow=not WITHOUT_TORCH.issuperset(case.name for case in needed))
    run = Soak(folder, cases, seed)
    run.prepare(needed)
    with suppress(KeyboardInterrupt):  # Ctrl-C ends the test early
        run.run_until(kills)
    return run.records, summary(run.records, time.monotonic() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stage", action="append", default=[], choices=[case.name for case in CASES])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        records, text = soak(Path(folder), arguments.stage, arguments.kills, arguments.seed)
    print(text)
    return 1 if any(record.mismatches for record in records.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
