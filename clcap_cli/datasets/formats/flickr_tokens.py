"""Flickr8k's and Flickr30k's caption files: lines such as ``1000268201.jpg#0<TAB>A child in a pink dress .``"""

import re

from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError

_LINE = re.compile(r"\s*([^\t#]+\.\w+)#(?:\w+#)?([0-9]+)[ \t]+(.*)")
"""The image, sometimes the language (Flickr8k-CN), the caption's number, and the caption."""


def _recognises(source: Source) -> bool:
    first = next(filter(str.strip, source.first_lines), "")
    return _LINE.fullmatch(first) is not None


def _read(source: Source) -> Table:
    """A row for each line; raises ClcapError for a line of another form."""
    rows = []
    for number, line in enumerate(source.lines, start=1):
        if not line.strip():
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ClcapError(
                f"{source.path}: line {number} is '{line[:60]}'; an image, # and a number, a tab and a caption are "
                "expected, such as 1000268201.jpg#0"
            )
        rows.append(Row(f"line {number}", {"image": parts[1], "number": parts[2], "caption": parts[3].strip()}))
    return Table(source.path, ["image", "caption"], rows)


READER = Reader("Flickr captions", _recognises, _read)
