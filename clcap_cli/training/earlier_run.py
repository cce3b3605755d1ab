"""What an earlier run with the same output left: a finished checkpoint, or the saved state of an interrupted run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.artifacts.state_shards import LostShardsError
from clcap_cli.console import print_info
from clcap_cli.continuing import other_run_error, print_nothing_to_resume
from clcap_cli.errors import ClcapError
from clcap_cli.training.run_files import state_path
from clcap_cli.training.same_run import changed_inputs, differences
from clcap_cli.training.saved_state import SavedState, open_saved_state


@dataclass(frozen=True)
class EarlierRun:
    """The files of an earlier run, compared with the run of ``origin``."""

    out: Path
    """Checkpoint that both runs write."""
    state: SavedState | None
    """The saved state of an interrupted run."""
    finished: Provenance | None
    """Provenance of ``out``; None if it is missing or was not written by clcap."""
    origin: Origin
    options: Mapping[str, str]
    """The option of each setting that determines the result, such as --lr."""

    @property
    def is_finished(self) -> bool:
        """Whether ``out`` is the result of this run; a later state belongs to another attempt."""
        if self.finished is None or self._differences(self.finished):
            return False
        return self.state is None or self.finished.created >= self.state.provenance.created

    def check(self, resume: bool) -> None:
        """Print what happens with the earlier run, which is not finished.

        Raises ClcapError if there is a state but ``resume`` is false, and if it is true but the files belong to another
        run.
        """
        if self.state and not resume:
            raise ClcapError(
                f"{self.state.path} is the saved state of an interrupted run, {self.state.place}; continue it with "
                "--resume, or delete the file to start from the beginning"
            )
        if self.state:
            self._refuse_other_run(self.state.path, self.state.provenance)
            print_info(f"continuing from {self.state.path}: {self.state.place}")
        elif resume:
            if self.finished:
                self._refuse_other_run(self.out, self.finished)
            print_nothing_to_resume(state_path(self.out))

    def _refuse_other_run(self, path: Path, found: Provenance) -> None:
        if different := self._differences(found):
            raise other_run_error(path, different, changed_inputs(found, self.origin, path.resolve().parent))

    def _differences(self, found: Provenance) -> list[str]:
        return differences(found, self.origin, self.options)


def find_earlier_run(outputs: Sequence[Path], origin: Origin, options: Mapping[str, str]) -> EarlierRun:
    """Look for the files of an earlier run; the first of its ``outputs`` is the checkpoint.

    Raises ClcapError if a saved state is damaged.
    """
    out, state, finished = outputs[0], None, None
    if state_path(out).exists():
        with advice_on_damage():
            state = open_saved_state(state_path(out))
    if all(path.exists() for path in outputs):
        with suppress(ClcapError):
            finished = read_provenance(out)
    return EarlierRun(out, state, finished, origin, options)


@contextmanager
def advice_on_damage() -> Iterator[None]:
    """Let errors about a damaged state say how to go on."""
    try:
        yield
    except LostShardsError:
        raise
    except ClcapError as error:
        problem = str(error).removesuffix("; create it again").removesuffix(": download or create it again")
        raise ClcapError(f"{problem}; delete it to start the run from the beginning") from error
