"""Captions in files compressed with gzip, bzip2 and Zstandard."""

import bz2
import gzip
from random import Random

import pyarrow

from tests.datasets.test_formats_of_the_field import JSON_FILES, TEXT_FILES
from tests.reliability.foreign_seeds import numbered, read_caption_file
from tests.reliability.fuzzing import Format
from tests.reliability.mutations import GENERAL


def zstd(content: bytes) -> bytes:
    """``content`` compressed with Zstandard."""
    return pyarrow.compress(content, codec="zstd", asbytes=True)


COMPRESS = (gzip.compress, bz2.compress, zstd)
CONTENTS = [content for content, found in [*JSON_FILES.values(), *TEXT_FILES.values()] if found[0][3]][::4]


def change_text(content: bytes, random: Random) -> bytes:
    """Compress a mutated text."""
    return random.choice(COMPRESS)(random.choice(GENERAL)(random.choice(CONTENTS), random))


SEEDS = numbered(compress(content) for compress in COMPRESS for content in CONTENTS)
FORMAT = Format("captions_compressed", "captions.gz", read_caption_file, SEEDS, (change_text, change_text))
