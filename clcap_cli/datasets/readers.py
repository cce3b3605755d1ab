"""The one reader of files that people give: the format is told by what a file holds, not by its name."""

from collections.abc import Iterator
from pathlib import Path

from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.errors import ClcapError
from clcap_cli.registry import Registry

READERS: Registry[Reader] = Registry(
    "format of captions",
    "clcap.readers",
    {
        "coco": "clcap_cli.datasets.coco:READER",
        "coco-results": "clcap_cli.datasets.coco_results:READER",
        "karpathy": "clcap_cli.datasets.karpathy:READER",
        "json-lines": "clcap_cli.datasets.json_lines:READER",
        "csv": "clcap_cli.datasets.csv_table:READER",
        "parquet": "clcap_cli.datasets.parquet:READER",
    },
)
"""clcap's own recognise a file before those of installed packages."""


def sniff(source: Source) -> Reader:
    """The reader that recognises a file.

    Raises ClcapError when none does, saying what the file is and what is known, and when the file cannot be read.
    """
    for reader in _readers():
        if reader.recognises(source):
            return reader
    known = "; ".join(reader.name for reader in _readers())
    raise ClcapError(f"{source.path} is no known file of captions: it is {source.description()}. Known are: {known}")


def read_captions(path: Path, as_dataset: bool = False) -> list[CaptionRecord]:
    """What a file of any known format says, in the file's order.

    As a ``as_dataset`` it must give each image's file name, and captions that are not empty. Raises ClcapError when the
    file is missing, of an unknown format, or not as its format asks.
    """
    source = Source(path)
    return sniff(source).read(source, as_dataset)


def _readers() -> Iterator[Reader]:
    for name in READERS.names:
        yield get_reader(name)


def get_reader(name: str) -> Reader:
    """The reader called ``name``; raises ClcapError for a package that offers something else under it."""
    reader = READERS.get(name)
    if not isinstance(reader, Reader):
        raise ClcapError(f"the {READERS.kind} '{name}' of an installed package is no Reader; uninstall the package")
    return reader
