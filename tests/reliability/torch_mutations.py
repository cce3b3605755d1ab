"""Mutations of PyTorch files that keep their archive or their pickle valid."""

import io
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any
from warnings import catch_warnings

import torch

from tests.reliability.json_mutations import places_in
from tests.reliability.mutations import GENERAL, insert_token

TORCH_TOKENS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"data.pkl", b"/../", b"\x80\x02")
PICKLE_TOKENS = (
    *(b"cos\nsystem\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nDoubleStorage\n", b"ctorch.nn\nParameter\n"),
    *(
        b"ctorch.serialization\n_get_layout\n",
        b"ctorch._utils\n_rebuild_sparse_tensor\n",
        b"ccollections\nOrderedDict\n",
    ),
    *(b"\x8b\xff\xff\xff\x7f", b"\x8a\xff" + b"\xff" * 255, b"(" * 200, b"]" * 200, b"K\x00", b"J\xff\xff\xff\x7f"),
    *(b"N", b"\x88", b"]", b"}", b")", b"(", b"t", b"R", b"Q", b"q\x00", b"h\x00", b"s", b"u", b"a", b"e", b"b", b"."),
)
"""Classes that PyTorch allows or refuses, and operations of pickle."""


def _laughs() -> Any:
    """Lists within lists, which have 2^40 elements if they are walked."""
    value: list[Any] = []
    for _ in range(40):
        value = [value, value]
    return value


def _nested() -> Any:
    value: Any = 0
    for _ in range(2000):
        value = [value]
    return value


VALUES: tuple[Callable[[], Any], ...] = (
    *(lambda: None, lambda: True, lambda: [], lambda: {}, lambda: "", lambda: 0, lambda: -1, lambda: 1, lambda: 2**24),
    *(lambda: 10**9, lambda: 2**31, lambda: 2**63, lambda: 10**400, lambda: 2**20_000, lambda: float("nan")),
    *(lambda: float("inf"), lambda: 0.5, lambda: "x" * 100_000, lambda: "\x1b]0;x\x07", lambda: "\ud800", lambda: b"x"),
    *(lambda: (1, 2), lambda: {1: 2}, lambda: {None: 1}, _laughs, _nested, lambda: "../../x", lambda: set()),
    *(
        lambda: torch.zeros(()),
        lambda: torch.zeros(0),
        lambda: torch.ones(3),
        lambda: torch.zeros(2, dtype=torch.int64),
    ),
)
"""Values of the plain part, each made when it is used."""
TENSORS: tuple[Callable[[torch.Tensor], Any], ...] = (
    lambda value: value[:0],
    lambda value: value.double(),
    lambda value: value.half(),
    lambda value: value.to(torch.complex64),
    lambda value: value.to_sparse(),
    lambda value: value.flatten()[:1].expand(10**12),
    lambda value: value.flatten()[:1].as_strided(value.shape, (0,) * value.dim()),
    lambda value: value.clone().fill_(float("nan")),
    lambda value: value.t() if value.dim() == 2 else value,
    lambda value: torch.nn.Parameter(value),
    lambda value: value.clone().requires_grad_(),
    lambda value: value.unsqueeze(0),
    lambda value: value.to(torch.complex64).conj(),
    lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
    lambda value: value.to("meta"),
    lambda value: value.numpy().tolist(),
)
"""Changes of a tensor."""


def mutate_content(content: bytes, random: Random) -> bytes:
    """Change one to three values or tensors."""
    try:
        root = [torch.load(io.BytesIO(content), weights_only=True)]
        for _ in range(random.choice([1, 1, 2, 3])):
            _change(root, random)
        buffer = io.BytesIO()
        torch.save(root[0], buffer)
    except Exception:  # a file that another mutation damaged, or a value that cannot be saved
        return content
    return buffer.getvalue()


def _change(root: list[Any], random: Random) -> None:
    places = places_in(root)
    container, key = random.choice(places)
    value = container[key]
    action = random.randrange(5)
    if isinstance(value, torch.Tensor) and action < 4:
        container[key] = random.choice(TENSORS)(value)
    elif action == 0 and container is not root:
        del container[key]
    elif action == 1 and isinstance(container, dict):
        container[random.choice(["x", 5, None, "\x1b[2J", "x" * 5000])] = container.pop(key)
    elif action == 2:
        other, other_key = random.choice(places)
        container[key] = other[other_key]
    else:
        container[key] = random.choice(VALUES)()


def mutate_pickle(content: bytes, random: Random) -> bytes:
    """Change bytes of the pickle, with a checksum that fits."""
    entries = _entries(content)
    name = next((name for name, _ in entries if name.endswith("data.pkl")), None)
    if name is None:
        return content
    change = random.choice([*GENERAL, *[insert_token(PICKLE_TOKENS)] * 8])
    return _archive([(key, change(data, random) if key == name else data) for key, data in entries])


def mutate_archive(content: bytes, random: Random) -> bytes:
    """Rename, repeat, remove, add, compress or swap entries of the archive."""
    entries = _entries(content)
    if not entries:
        return content
    index = random.randrange(len(entries))
    name, data = entries[index]
    changes: list[Callable[[], list[tuple[str, bytes]]]] = [
        lambda: [*entries, (name, data)],
        lambda: [*entries, (name, b"")],
        lambda: entries[:index] + entries[index + 1 :],
        lambda: [*entries, (random.choice(["../../x", "/etc/x", "x/data.pkl", "x/code/y.py", "a" * 60_000]), data)],
        lambda: [*entries, *((f"archive/data/{number}", b"") for number in range(1000, 3000))],
        lambda: [(name + "x" if key == name else key, value) for key, value in entries],
        lambda: [(key, b"" if key == name else value) for key, value in entries],
        lambda: [(key, value * 50 if key == name else value) for key, value in entries],
        lambda: [(key.replace("archive", "x"), value) for key, value in entries],
    ]
    compression = random.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    return _archive(random.choice(changes)(), compression)


def _entries(content: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(entry.filename, archive.read(entry)) for entry in archive.infolist() if entry.file_size < 2**24]
    except Exception:  # a file that another mutation damaged
        return []


def _archive(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


TORCH_MUTATORS = (mutate_content, mutate_content, mutate_pickle, mutate_archive)
"""The mutations of PyTorch files; most often, their content is mutated."""
