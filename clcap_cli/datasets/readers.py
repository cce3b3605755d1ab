"""Reading caption files of any known format; the format is recognised by the content, not by the file name."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from clcap_cli.datasets.caption_records import ParsedTable
from clcap_cli.datasets.columns import normal_name
from clcap_cli.datasets.embedded_images import EmbeddedImages
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.records import CaptionFile
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.file_kinds.recognition import file_kind, wrong_file_error
from clcap_cli.registry import Registry

READERS: Registry[Reader] = Registry(
    "format of captions",
    "clcap.readers",
    {
        "coco": "clcap_cli.datasets.formats.coco:READER",
        "karpathy": "clcap_cli.datasets.formats.karpathy:READER",
        "json-records": "clcap_cli.datasets.formats.json_records:READER",
        "json-columns": "clcap_cli.datasets.formats.json_columns:READER",
        "json-lines": "clcap_cli.datasets.formats.json_lines:READER",
        "json-captions": "clcap_cli.datasets.formats.json_captions:READER",
        "parquet": "clcap_cli.datasets.formats.parquet:READER",
        "flickr-tokens": "clcap_cli.datasets.formats.flickr_tokens:READER",
        "conceptual-captions": "clcap_cli.datasets.formats.conceptual_captions:READER",
        "image-folder": "clcap_cli.datasets.formats.image_folder:READER",
        "tar-shards": "clcap_cli.datasets.formats.tar_shards:READER",
        "delimited": "clcap_cli.datasets.formats.delimited:READER",
    },
)
"""Readers in the order in which they are tried: those of clcap, then those of installed packages."""


def sniff(source: Source) -> Reader:
    """The first reader that recognises the file.

    Raises ClcapError if none does or the file cannot be read; the message describes the file and the known formats.
    """
    for reader in _readers():
        if reader.recognises(source):
            return reader
    if not source.has_several_files and not file_kind(source.path).is_plain:
        raise wrong_file_error(source.path, "a caption file, such as COCO's JSON or a CSV table,")
    known = ", ".join(reader.name for reader in _readers())
    raise ClcapError(
        f"{source.path} is not a caption file of a known format: it is {source.description()}. Known formats: {known}. "
        "Tables need a header such as image,caption; --columns names other columns or keys"
    )


def read_captions(path: Path, options: ReadOptions = ReadOptions()) -> CaptionFile:
    """The records of a file of any known format, in the file's order.

    Raises ClcapError if the file is missing, of an unknown format, or invalid.
    """
    source = Source(path, options)
    reader = sniff(source)
    table = ParsedTable(reader.read(source), options.column_names)
    records = table.records()
    notes = [*source.notes, *table.notes]
    content = table.table.images
    images = EmbeddedImages([record.file_name for record in records], content) if content else None
    return CaptionFile(path, reader.name, records, table.columns.by_role, table.unused_columns, notes, images)


def check_columns_exist(options: ReadOptions, files: Iterable[CaptionFile]) -> None:
    """Raise ClcapError if none of ``files`` has a column that the user named."""
    files = list(files)
    for role, name in options.column_names.items():
        if not any(normal_name(name) == normal_name(file.columns.get(role)) for file in files):
            columns = [
                *dict.fromkeys(name for file in files for name in (*file.columns.values(), *file.unused_columns))
            ]
            paths = " and ".join(str(file.path) for file in files)
            raise ClcapError(f"{paths}: no column '{name}'; there are: {first_few(columns, 20)}")


def _readers() -> Iterator[Reader]:
    for name in READERS.names:
        yield get_reader(name)


def get_reader(name: str) -> Reader:
    """The reader called ``name``; raises ClcapError if a package registers another kind of object."""
    reader = READERS.get(name)
    if not isinstance(reader, Reader):
        raise ClcapError(f"the {READERS.kind} '{name}' of an installed package is not a Reader; uninstall the package")
    return reader
