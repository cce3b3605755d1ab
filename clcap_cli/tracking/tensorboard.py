"""TensorBoard: event files in the folder NAME.tensorboard."""

import io
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from clcap_cli.tracking.tracker import Log, Tracker

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

ENDING = ".clcap"
"""End of the names of clcap's event files; TensorBoard asks only that a name contains "tfevents"."""


class TensorBoard(Tracker):
    """Appends to one event file, which starts with the settings and the whole log so far.

    It makes TensorBoard drop the events of earlier files, which are removed when the training has finished. So a
    training that fails leaves those of the checkpoint that is kept.
    """

    modules = ("tensorboard",)

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        super().__init__(folder, settings)
        self.file: BinaryIO | None = None
        self.written = 0
        """Number of validations in the file."""

    def update(self, log: Log) -> None:
        """See Tracker; after an error, the next call starts another file."""
        try:
            events: Iterable[Event] = map(_event_of, log[self.written :])
            if self.file is None:
                self.file = self._new_file()
                events = chain(_first_events(self.settings), events)
            self._append(events)
            self.written = len(log)
        except BaseException:
            self._close()
            raise

    def end(self, is_finished: bool) -> None:
        """See Tracker."""
        if is_finished and self.file:
            for path in self.folder.glob(f"*tfevents*{ENDING}"):
                if path != Path(self.file.name):
                    path.unlink()
        self._close()

    def _new_file(self) -> BinaryIO:
        self.folder.mkdir(exist_ok=True)
        # TensorBoard reads files in the order of their names.
        return (self.folder / f"events.out.tfevents.{time.time_ns()}{ENDING}").open("xb")

    def _append(self, events: "Iterable[Event]") -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        buffer = io.BytesIO()
        for event in events:
            RecordWriter(buffer).write(event.SerializeToString())
        assert self.file
        self.file.write(buffer.getvalue())
        self.file.flush()

    def _close(self) -> None:
        with suppress(OSError):
            if self.file:
                self.file.close()
        self.file, self.written = None, 0


def _first_events(settings: Mapping[str, Any]) -> "Iterator[Event]":
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.plugins.text.summary_v2 import text_pb

    rows = "".join(f"| {name} | `{value}` |\n" for name, value in settings.items())
    table = text_pb("settings", f"| setting | value |\n|---|---|\n{rows}")
    yield Event(wall_time=time.time(), file_version="brain.Event:2")
    yield Event(wall_time=time.time(), session_log=SessionLog(status=SessionLog.START))  # drops events from step 0 on
    yield Event(wall_time=time.time(), summary=table)


def _event_of(validation: Mapping[str, int | float]) -> "Event":
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=value) for name, value in validation.items() if name != "step"]
    return Event(wall_time=time.time(), step=int(validation["step"]), summary=Summary(value=values))
