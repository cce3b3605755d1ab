"""The part of METEOR's paraphrase table that given texts can use.

METEOR spends most of its time on reading five million pairs of phrases, of which a few thousand images' texts can use
one in a hundred. An entry counts only where both its phrases stand in texts, so the others can be left out.

Which words METEOR sees in a text is for its normaliser to say: ``u.s.`` becomes ``us``, ``on-line`` two words. Whatever
it does, it inserts, removes and replaces only marks, and splits words only beside one. So a phrase of the normalised
text, its marks and spaces taken out, is a piece of the text with its marks taken out, from the prefix of a run of
letters and digits to the end of one. Entries are looked up by that.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.metrics.java import package_folder

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray

LONGEST = 65
"""Letters and digits of the table's longest phrase."""
LINES = 3
"""Of an entry: its probability and its two phrases."""
NO_MARKS = "0-9A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮ꙾-ꚗᴀ-ᵿ"
"""The letters and digits of METEOR's normaliser, from the class edu.cmu.meteor.util.Normalizer; all else are marks."""
RUN = re.compile(f"[{NO_MARKS}]+")


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
    """All phrases that METEOR may see in tokenised texts, without marks and spaces; ``b""`` is any of marks alone."""
    return {b"", *(phrase.encode() for text in set(texts) for phrase in _phrases(text))}


def write_needed(table: "ChunkedArray", phrases: set[bytes], out: Path) -> None:
    """Write the entries whose phrases are both among ``phrases`` to ``out``, a gzip file as METEOR reads it.

    Raises ClcapError when it cannot be written.
    """
    import pyarrow

    known = pyarrow.array(phrases, pyarrow.binary())
    lines = np.arange(len(table)) % LINES
    sides = [table.filter(pyarrow.array(lines == side)) for side in (1, 2)]
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda side: _is_among(side, known), sides)
    needed = table.filter(pyarrow.array(np.repeat(first & second, LINES))).to_pylist()
    with atomic_write(out) as part, gzip.open(part, "wb", compresslevel=1) as file:
        file.writelines(line + b"\n" for line in needed)


def _is_among(side: "ChunkedArray", known: "Array") -> np.ndarray:
    """(entries,): whether the phrase of each entry, without marks and spaces, is ``known``."""
    import pyarrow
    from pyarrow import compute

    joined = compute.replace_substring(side, " ", "").cast(pyarrow.string())
    found = compute.is_in(joined.cast(pyarrow.binary()), value_set=known).to_numpy()
    rest = compute.invert(compute.ascii_is_alnum(joined))  # few, so that they alone are searched for marks
    bare = compute.replace_substring_regex(joined.filter(rest), f"[^{NO_MARKS}]+", "")
    found[rest.to_numpy()] = compute.is_in(bare.cast(pyarrow.binary()), value_set=known).to_numpy()
    return found


def _phrases(text: str) -> Iterator[str]:
    runs = RUN.findall(text)
    for first in range(len(runs)):
        phrase = ""
        for run in runs[first:]:
            phrase += run
            if len(phrase) > LONGEST:
                break
            yield phrase
