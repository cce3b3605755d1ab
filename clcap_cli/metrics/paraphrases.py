"""The part of METEOR's paraphrase table that given texts can use.

METEOR spends most of its time on reading five million pairs of phrases, of which a few thousand images' texts can use
one in a hundred. A pair counts only where both its phrases stand in the texts, so the others can be left out.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.java import package_folder

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

LONGEST = 7
"""Words in the table's longest phrase."""
LINES = 3
"""Of an entry: its probability and its two phrases."""
PIECES = re.compile(r"[^\W_]+|[\W_]")


def read_table() -> "ChunkedArray":
    """All lines of METEOR's own table, in a few seconds and half a gigabyte."""
    from pyarrow import binary
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

    return read_csv(
        package_folder("meteor") / "data" / "paraphrase-en.gz",
        ReadOptions(column_names=["line"], block_size=2**24),
        ParseOptions(delimiter="\x01", quote_char=False, ignore_empty_lines=False),
        ConvertOptions(column_types={"line": binary()}, strings_can_be_null=False),
    )["line"]


def phrases_of(texts: Iterable[str]) -> set[bytes]:
    """All phrases of tokenised texts."""
    return {phrase.encode() for text in set(texts) for phrase in _phrases(text)}


def write_needed(table: "ChunkedArray", phrases: set[bytes], out: Path) -> None:
    """Write the entries whose phrases are both among ``phrases`` to ``out``, a gzip file as METEOR reads it."""
    import pyarrow
    from pyarrow import compute

    known = pyarrow.array(phrases, pyarrow.binary())
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(lambda part: compute.is_in(part, value_set=known).to_numpy(), _halves(table)))
    found = np.concatenate(parts)
    needed = np.repeat(found[1::LINES] & found[2::LINES], LINES)
    lines = table.filter(pyarrow.array(needed)).to_pylist()
    with gzip.open(out, "wb", compresslevel=1) as file:
        file.writelines(line + b"\n" for line in lines)


def _halves(table: "ChunkedArray") -> "list[ChunkedArray]":
    middle = len(table) // 2
    return [table[:middle], table[middle:]]


def _phrases(text: str) -> Iterator[str]:
    """All phrases of a text, however METEOR may split its words at punctuation."""
    words = text.split()
    if "".join(words).isalnum():
        for length in range(1, LONGEST + 1):
            yield from map(" ".join, zip(*(words[at:] for at in range(length)), strict=False))
        return
    pieces = [PIECES.findall(word) for word in words]
    rests = [parts[at:] for parts in pieces for at in range(len(parts))]
    for first in range(len(rests)):
        yield from _continued(rests, first, [])


def _continued(rests: list[list[str]], at: int, before: list[str]) -> Iterator[str]:
    """The phrases that go on from the piece ``at`` with that piece alone or with the rest of its word."""
    if at == len(rests) or len(before) == LONGEST:
        return
    for taken in {1, len(rests[at])}:
        phrase = [*before, "".join(rests[at][:taken])]
        yield " ".join(phrase)
        yield from _continued(rests, at + taken, phrase)
