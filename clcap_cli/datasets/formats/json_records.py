"""JSON lists of records, such as COCO results and the files of BLIP, LAVIS, TextCaps, AIC-ICC and neuraltalk2."""

from collections.abc import Iterator
from typing import Any

from clcap_cli.datasets.cells import SPLIT_NAMES
from clcap_cli.datasets.columns import known_content
from clcap_cli.datasets.formats.json_objects import is_list_of_objects, require_objects
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError

WRAPPERS = ("data", "annotations", "images", "captions", "predictions", "results", "samples", "records", "items")
"""Keys under which files keep their list of records."""


def _recognises(source: Source) -> bool:
    """Whether the file has lists of records; with --columns, any keys may be those of captions."""
    lists = list(_lists(source.value))
    chosen = source.options.column_names
    return any(own and (chosen or known_content(own[0])) for _, _, own in lists)


def _read(source: Source) -> Table:
    """A row for each record; raises ClcapError for the files in which Label Studio keeps its annotations."""
    if is_list_of_objects(source.value) and {"annotations", "data"} <= {*source.value[0]}:
        raise ClcapError(f"{source.path} is Label Studio's full JSON; export JSON-MIN or CSV, with a row per image")
    rows = [
        Row(f"{place}{number}", {**record, "split": split} if split else record)
        for place, split, records in _lists(source.value)
        for number, record in enumerate(require_objects(records, place.rstrip(".") or "the list", source.path))
    ]
    return Table.of(source.path, rows)


def _lists(content: Any) -> Iterator[tuple[str, str | None, list[dict[str, Any]]]]:
    """The lists of records in a file, each with its place and, if the file has one list per split, the split."""
    if is_list_of_objects(content):
        yield "record ", None, content
    elif isinstance(content, dict) and "provenance" not in content:  # unlike clcap's own files
        names = [name for name in WRAPPERS if is_list_of_objects(content.get(name))]
        if names:
            yield f"{names[0]}.", None, content[names[0]]
        elif content and all(name.casefold() in SPLIT_NAMES and is_list_of_objects(content[name]) for name in content):
            yield from ((f"{name}.", name, own) for name, own in content.items())


READER = Reader("JSON records", _recognises, _read)
