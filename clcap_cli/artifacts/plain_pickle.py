"""The plain values of a PyTorch file, read without PyTorch, which takes seconds to import.

The pickle in the file is parsed and never executed: a tensor becomes None, and a file that names anything but PyTorch's
own classes is refused, as PyTorch does with ``weights_only=True``. The number of operations, the depth and the size of
the values are limited: a few bytes of pickle can describe lists with more elements than fit into memory.
"""

import pickletools
import re
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.archive import CHECKPOINT, own_content, pickle_error, read_description, unreadable_error
from clcap_cli.errors import damaged_file_error

VALUES = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
"""Operations that push their argument."""
CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
IGNORED = {"PROTO", "FRAME", "STOP"}
ORDERED_DICT = "collections OrderedDict"
TENSOR_CLASS = re.compile(r"torch\._utils _rebuild_tensor_v2|torch [A-Za-z0-9]+Storage")
"""Classes that the files of clcap name, besides that of ordered dicts."""
MAX_OPERATIONS = 2**20
"""Largest number of operations of a pickle, and of values that it describes; a large checkpoint has a few thousand."""
MAX_DEPTH = 50
"""Largest number of lists, tuples and dicts within each other."""
FEW_VALUES = 10_000
"""Number of values, and of characters, that any pickle may describe."""
MAX_REPETITION = 16
"""Largest number of characters that a byte of the pickle describes, beyond the few."""


def plain_values(path: Path, expected: str = CHECKPOINT) -> Any:
    """What was saved in ``path``, with None in the place of tensors; errors say that ``expected`` is expected.

    Raises ClcapError if the file is missing, damaged, names other classes than PyTorch's, or exceeds the limits.
    """
    return _parsed(path, expected).stack[-1]


def check_own_values(path: Path) -> None:
    """Raise ClcapError unless ``path`` is a file of plain values and plain tensors with a provenance record.

    PyTorch also loads other tensors, some of which claim more memory than the file has bytes.
    """
    parser = _parsed(path, CHECKPOINT)
    own_content(path, parser.stack[-1])
    others = [name for name in sorted(parser.classes) if not TENSOR_CLASS.fullmatch(name)]
    if others:
        raise damaged_file_error(path, f"it contains '{others[0].replace(' ', '.')}', which clcap never writes")


def _parsed(path: Path, expected: str) -> "_Parser":
    parser, pickle = _Parser(path), read_description(path, expected)
    try:
        parser.parse(pickle)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise unreadable_error(path) from error
    _check_size(path, parser.stack[-1], len(pickle))
    return parser


def _check_size(path: Path, value: Any, size: int) -> None:
    """Raise ClcapError if the values of a pickle of ``size`` bytes are nested too deeply, too many or too long.

    A value counts wherever it occurs: a pickle can use the same list many times.
    """
    most_values, most_characters = min(MAX_OPERATIONS, FEW_VALUES + size), FEW_VALUES + MAX_REPETITION * size
    waiting, values, characters = [(value, 0)], 0, 0
    while waiting:
        item, depth = waiting.pop()
        values += 1
        characters += len(item) if isinstance(item, str) else 0
        if depth > MAX_DEPTH:
            raise damaged_file_error(path, f"its values are nested more than {MAX_DEPTH} levels deep")
        if values > most_values or characters > most_characters:
            raise damaged_file_error(path, f"its {size:,} bytes of description repeat the same values too often")
        parts = [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list | tuple) else ()
        waiting += [(part, depth + 1) for part in parts]


class _Parser:
    """The stack machine of pickle, without the operations that import or call anything."""

    def __init__(self, path: Path):
        self.path = path
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.classes: set[str] = set()
        """Names of the classes of PyTorch that the pickle contains."""

    def parse(self, data: bytes) -> None:
        """Put the value that unpickling ``data`` would make on top of the stack."""
        for count, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if count == MAX_OPERATIONS:
                raise damaged_file_error(self.path, f"it describes more than {MAX_OPERATIONS:,} values")
            self._step(operation.name, argument)
        if len(self.stack) != 1:
            raise ValueError("values are left over")

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
        if self.stack[-1] is not None:  # an object of PyTorch, whose place None has taken
            self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def _binput(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    _long_binput = _binput

    def _memoize(self, _: None) -> None:
        self._binput(len(self.memo))

    def _stack_global(self, _: None) -> None:
        raise pickle_error(self.path)  # PyTorch writes no such names of classes

    def _binget(self, number: int) -> None:
        self.stack.append(self.memo[number])

    _long_binget = _binget

    def _binpersid(self, _: None) -> None:
        self.stack[-1] = None

    def _reduce(self, _: None) -> None:
        made, _ = self._popped(2)
        self.stack.append({} if made == ORDERED_DICT else None)

    def _build(self, _: None) -> None:
        self._popped(1)

    def _global(self, name: str) -> None:
        if name == ORDERED_DICT:
            self.stack.append(name)
            return
        if not name.startswith("torch"):
            raise pickle_error(self.path)
        self.classes.add(name)
        self.stack.append(None)
