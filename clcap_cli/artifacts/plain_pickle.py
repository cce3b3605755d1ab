"""The plain values of a PyTorch file, read without PyTorch, which takes seconds to import.

The pickle in the file is parsed and never executed: a tensor becomes None, and a file that names anything but PyTorch's
own classes is refused, as PyTorch does with ``weights_only=True``.
"""

import pickletools
import zipfile
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.archive import check_archive, pickle_error, unreadable_error

VALUES = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
"""Operations that push their argument."""
CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
IGNORED = {"PROTO", "FRAME", "STOP"}


def plain_values(path: Path) -> Any:
    """What was saved in ``path``, with None in the place of tensors.

    Raises ClcapError if the file is missing, damaged or names other classes than PyTorch's.
    """
    check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            return _Parser(path).parse(archive.read(name))
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration, zipfile.BadZipFile, OSError) as error:
        raise unreadable_error(path) from error


class _Parser:
    """The stack machine of pickle, without the operations that import or call anything."""

    def __init__(self, path: Path):
        self.path = path
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def parse(self, data: bytes) -> Any:
        """The value that unpickling ``data`` would make."""
        for operation, argument, _ in pickletools.genops(data):
            self._step(operation.name, argument)
        return self.stack[-1]

    def _step(self, name: str, argument: Any) -> None:
        if name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in TUPLES:
            self.stack.append(tuple(self._popped(TUPLES[name])))
        elif name not in IGNORED:
            getattr(self, f"_{name.lower()}")(argument)

    def _popped(self, count: int) -> list[Any]:
        """The last ``count`` values, removed from the stack."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def _since_mark(self) -> list[Any]:
        return self._popped(len(self.stack) - self.marks.pop())

    def _mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def _empty_dict(self, _: None) -> None:
        self.stack.append({})

    def _empty_list(self, _: None) -> None:
        self.stack.append([])

    def _tuple(self, _: None) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _append(self, _: None) -> None:
        (item,) = self._popped(1)
        self.stack[-1].append(item)

    def _appends(self, _: None) -> None:
        items = self._since_mark()
        self.stack[-1].extend(items)

    def _setitem(self, _: None) -> None:
        key, value = self._popped(2)
        self._set([key, value])

    def _setitems(self, _: None) -> None:
        self._set(self._since_mark())

    def _set(self, pairs: list[Any]) -> None:
        if self.stack[-1] is not None:  # an OrderedDict, whose place None has taken
            self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def _binput(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    _long_binput = _binput

    def _binget(self, number: int) -> None:
        self.stack.append(self.memo[number])

    _long_binget = _binget

    def _binpersid(self, _: None) -> None:
        self.stack[-1] = None

    def _reduce(self, _: None) -> None:
        self._popped(2)
        self.stack.append(None)

    def _build(self, _: None) -> None:
        self._popped(1)

    def _global(self, name: str) -> None:
        if not name.startswith("torch") and name != "collections OrderedDict":
            raise pickle_error(self.path)
        self.stack.append(None)
