"""Damaged files of every format give records or one message, never a traceback."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clcap_cli.datasets.readers import read_captions
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.errors import ClcapError
from tests.datasets.test_formats_of_the_field import JSON_FILES, PARQUET_FILES, TEXT_FILES, as_parquet
from tests.datasets.test_paired_files import FILES, write_tar

WHOLE = [content for content, _ in [*JSON_FILES.values(), *TEXT_FILES.values()]]
WHOLE += [as_parquet(rows) for rows, _ in PARQUET_FILES.values()]
WHOLE += [gzip.compress(content) for content in WHOLE[:3]]
PIECES = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\t",
    b"|",
    b"\n",
    b"\r",
    b"\0",
    b"#0",
    b"null",
    b"NaN",
    b"\xff",
    b"1e999",
]
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from([b"", *PIECES])), min_size=1, max_size=3
)


def changed(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes at relative positions by others."""
    for position, length, new in changes:
        start = int(position * len(content))
        content = content[:start] + new + content[start + length :]
    return content


@settings(max_examples=300)
@given(st.sampled_from([*WHOLE, b"a tar archive"]), CHANGES)
def test_damaged_files_give_records_or_a_message(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "damaged"
    whole = write_tar(path, FILES).read_bytes() if content == b"a tar archive" else content
    path.write_bytes(changed(whole, changes))
    try:
        assert all(isinstance(record, CaptionRecord) for record in read_captions(path).records)
    except ClcapError as error:
        assert str(path) in str(error)
        assert len(str(error).splitlines()) == 1
