"""Captions in Parquet tables, with and without images."""

from tests.datasets.test_formats_of_the_field import PARQUET_FILES, as_parquet
from tests.reliability.foreign_seeds import numbered, read_caption_file
from tests.reliability.fuzzing import Format

SEEDS = numbered(as_parquet(rows) for rows, _ in PARQUET_FILES.values())
FORMAT = Format("captions_parquet", "captions.parquet", read_caption_file, SEEDS, tokens=(b"PAR1", b"caption"))
