"""Tables of captions and URLs without a header, as Conceptual Captions and Conceptual 12M are distributed."""

import re

from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError

NOTE = "an image's id is its URL, and its file name the URL without https://, where wget -x saves the image"
_URL = re.compile(r"https?://\S+", re.IGNORECASE)


def _recognises(source: Source) -> bool:
    return _url_column(source) is not None


def _url_column(source: Source) -> int | None:
    """The column of URLs in the first line, the first or the second; None if it has none there."""
    line = next(filter(str.strip, source.first_lines), "")
    return next((column for column in (0, 1) if _split(line, column)), None)


def _split(line: str, url_column: int) -> tuple[str, str] | None:
    """The URL and the caption in a line; None if it has another form."""
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) < 2 or not _URL.fullmatch(fields[url_column]):
        return None
    return fields[url_column], fields[1 - url_column]


def _read(source: Source) -> Table:
    """A row for each line; raises ClcapError for a line of another form."""
    column = _url_column(source)
    assert column is not None
    rows = []
    for number, line in enumerate(source.lines, start=1):
        found = _split(line, column)
        if found:
            url, caption = found
            name = url.partition("://")[2]
            rows.append(Row(f"line {number}", {"image_id": url, "file_name": name, "caption": caption}))
        elif line.strip():
            raise ClcapError(f"{source.path}: line {number} is '{line[:60]}'; a caption, a tab and a URL are expected")
    return Table.of(source.path, rows, [NOTE])


READER = Reader("Conceptual Captions", _recognises, _read)
