"""The part of METEOR's paraphrase table that can match given texts.

METEOR spends most of its time reading the table's five million pairs of phrases. An entry has an effect only if both of
its phrases occur in the texts, so all others can be left out: for a few thousand images, 99%.

METEOR's normaliser changes which words it sees: ``u.s.`` becomes ``us``, and ``on-line`` becomes two words. It only
inserts, removes and replaces marks (characters other than letters and digits), and splits words only at marks. A phrase
of the normalised text, without marks and spaces, is therefore a substring of the text without marks that starts at the
start of a run of letters and digits and ends at the end of one. Entries are looked up by these substrings.
"""

import gzip
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.metrics.java import pycocoevalcap_folder

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray

MAX_PHRASE_LENGTH = 65
"""Number of letters and digits of the longest phrase in the table."""
LINES_PER_ENTRY = 3
"""Lines of an entry: its probability and its two phrases."""
TEXTS_PER_BLOCK = 20_000
"""Number of texts whose phrases are collected together, which limits memory."""
LETTERS_AND_DIGITS = "0-9A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮ꙾-ꚗᴀ-ᵿ"
"""Characters that METEOR's normaliser (class edu.cmu.meteor.util.Normalizer) does not treat as marks."""
RUN = re.compile(f"[{LETTERS_AND_DIGITS}]+")


def read_paraphrase_table() -> "ChunkedArray":
    """Read all lines of METEOR's table, which takes a few seconds and half a gigabyte."""
    from pyarrow import binary
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

    return read_csv(
        pycocoevalcap_folder("meteor") / "data" / "paraphrase-en.gz",
        ReadOptions(column_names=["line"], block_size=2**24),
        ParseOptions(delimiter="\x01", quote_char=False, ignore_empty_lines=False),
        ConvertOptions(column_types={"line": binary()}, strings_can_be_null=False),
    )["line"]


def phrases_in(texts: Iterable[str]) -> "Array":
    """All phrases that METEOR may see in tokenised texts, without marks and spaces; "" if only marks are left."""
    import pyarrow
    from pyarrow import compute

    distinct = list(dict.fromkeys(texts))
    blocks = [distinct[first : first + TEXTS_PER_BLOCK] for first in range(0, len(distinct), TEXTS_PER_BLOCK)]
    found = [pyarrow.array({"", *chain.from_iterable(map(_phrases, block))}, pyarrow.string()) for block in blocks]
    return compute.unique(pyarrow.chunked_array(found, pyarrow.string())).cast(pyarrow.binary())


def write_matching_entries(table: "ChunkedArray", phrases: "Array", out: Path) -> None:
    """Write the entries of which both phrases are in ``phrases`` to ``out``, a gzip file that METEOR reads.

    Raises ClcapError when it cannot be written.
    """
    import pyarrow

    line_of_entry = np.arange(len(table)) % LINES_PER_ENTRY
    matches = np.ones(len(table) // LINES_PER_ENTRY, dtype=bool)
    for line in (1, 2):  # few entries are left for the second phrase
        side = table.filter(pyarrow.array(np.repeat(matches, LINES_PER_ENTRY) & (line_of_entry == line)))
        matches[matches] = _is_in(side, phrases)
    matching = table.filter(pyarrow.array(np.repeat(matches, LINES_PER_ENTRY))).to_pylist()
    with atomic_write(out) as part, gzip.open(part, "wb", compresslevel=1) as file:
        file.writelines(line + b"\n" for line in matching)


def _is_in(side: "ChunkedArray", phrases: "Array") -> np.ndarray:
    """(entries,) whether the phrase of each entry, without marks and spaces, is in ``phrases``."""
    import pyarrow
    from pyarrow import compute

    joined = compute.replace_substring(side.combine_chunks(), " ", "").cast(pyarrow.string())
    marked = compute.invert(compute.ascii_is_alnum(joined))  # removing marks is slow, and few phrases have any
    bare = compute.replace_substring_regex(joined.filter(marked), f"[^{LETTERS_AND_DIGITS}]+", "")
    joined = compute.replace_with_mask(joined, marked, bare)
    return compute.is_in(joined.cast(pyarrow.binary()), value_set=phrases).to_numpy(zero_copy_only=False)


def _phrases(text: str) -> list[str]:
    runs = RUN.findall(text)
    joined, ends = "".join(runs), [0, *accumulate(map(len, runs))]
    return [
        joined[first:end]
        for number, first in enumerate(ends)
        for end in ends[number + 1 : bisect_right(ends, first + MAX_PHRASE_LENGTH)]
    ]
