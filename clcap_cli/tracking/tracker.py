"""The interface of trackers, which write the log of a training for other programs, such as TensorBoard."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from clcap_cli.errors import message_of
from clcap_cli.extras import import_optional

Log = Sequence[Mapping[str, int | float]]
"""One record per validation, with its numbers by name; ``step`` is the number of steps until then."""

_PASSWORD = re.compile(r"//[^/@\s]+@")
"""User and password in the address of a server."""


def reason_of(error: Exception) -> str:
    """An error of a tracker in one line."""
    return _PASSWORD.sub("//", " ".join(message_of(error).split()).rstrip("."))


class Tracker(ABC):
    """Writes settings and log of one training for another program. Any error that a method raises is reported."""

    modules: ClassVar[tuple[str, ...]] = ()
    """Modules that it needs of the packages that clcap runs without."""

    @classmethod
    def check(cls, option: str) -> None:
        """Raise ClcapError if ``option``, which names the tracker, cannot be used here; writes nothing."""
        for module in cls.modules:
            import_optional(module, option)

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        """``folder``, such as ``nt.mlflow`` for ``nt.pt``, is the tracker's own and may be missing."""
        self.folder, self.settings = folder, settings
        self.place = str(folder)
        """Where it writes, in words."""

    @abstractmethod
    def update(self, log: Log) -> None:
        """Write what was not written yet of ``log``, which is the whole log so far.

        Called before the training, then after each validation. Before a new training the log is empty. Before a resumed
        one it is that of its saved state; validations after it may have been written, and will be repeated.
        """

    @abstractmethod
    def end(self, is_finished: bool) -> None:
        """Called last: the checkpoint and its log are written, or the training stopped and may be resumed."""
