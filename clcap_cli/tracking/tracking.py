"""A training and its tracker, whose errors do not end the training."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.output_path import check_names_beside, check_output_folder
from clcap_cli.console import print_info, print_warning
from clcap_cli.errors import ClcapError
from clcap_cli.tracking.registry import TRACKERS
from clcap_cli.tracking.tracker import Log, reason_of


def untracked() -> None:
    """What is called after each validation of a training without a tracker."""


class Tracking:
    """Keeps a tracker up to date with the log of a training. Its errors are warnings, except at the start."""

    def __init__(self, name: str, folder: Path, settings: Mapping[str, Any], log: Log):
        """Begin the tracking, or continue it if the training is resumed; raises ClcapError for any error."""
        self.name, self.log = name, log
        self.written = 0
        """Number of validations that the tracker has."""
        self.is_failing = False
        try:
            self.tracker = TRACKERS.get(name)(folder, settings)
            self._write()
        except Exception as error:  # every program's package raises its own errors
            raise ClcapError(f"--track {name}: {reason_of(error)}; nothing was trained") from error
        print_info(f"all metrics of each validation also go to {self.tracker.place}")

    def update(self) -> None:
        """Write the newest validation, and those that could not be written before."""
        try:
            self._write()
        except Exception as error:
            if not self.is_failing:
                self._warn(f"{reason_of(error)}; training continues, and the next validation tries again")
            self.is_failing = True

    def end(self, is_finished: bool) -> None:
        """Write what is missing, and tell the tracker that the training has ended."""
        try:
            self._write()
            self.tracker.end(is_finished)
        except Exception as error:
            missing = len(self.log) - self.written
            lacks = f"; {self.tracker.place} lacks the last {missing} of {len(self.log)} validations" if missing else ""
            self._warn(f"{reason_of(error)}{lacks}")

    def _write(self) -> None:
        self.tracker.update(self.log)
        self.written, self.is_failing = len(self.log), False

    def _warn(self, problem: str) -> None:
        print_warning(f"--track {self.name}: {problem}")


def tracking_folder(checkpoint: Path, name: str) -> Path:
    """The folder of a tracker, beside the checkpoint: ``nt.mlflow`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.{name}")


def check_tracking_folder(name: str | None, checkpoint: Path) -> None:
    """Raise ClcapError if the folder of a tracker cannot be written; creates nothing on disk."""
    if name is not None:
        folder = tracking_folder(checkpoint, name)
        check_names_beside(checkpoint, [folder])
        check_output_folder(folder)


@contextmanager
def tracked(name: str | None, checkpoint: Path, settings: Mapping[str, Any], log: Log) -> Iterator[Callable[[], None]]:
    """Track the training that the block makes; yields what to call after each validation.

    ``log`` is the list to which the training adds its validations. Raises ClcapError if tracking cannot begin.
    """
    if name is None:
        yield untracked
        return
    tracking = Tracking(name, tracking_folder(checkpoint, name), settings, log)
    try:
        yield tracking.update
    except BaseException:
        tracking.end(is_finished=False)
        raise
    tracking.end(is_finished=True)
