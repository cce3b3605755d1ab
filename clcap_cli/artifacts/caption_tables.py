"""Generated captions as tables, CSV and JSON Lines, and as one text file beside each image.

COCO's results list, the default, is in ``results.py``. The tables have the columns ``image_id``, ``image`` (the file
name) and ``caption``, with one row per caption.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable_folder, write_text
from clcap_cli.datasets.records import ImageId
from clcap_cli.datasets.spreadsheet_cells import as_cell
from clcap_cli.errors import ClcapError, first_few

COLUMNS = ("image_id", "image", "caption")
Row = tuple[ImageId, str, str]


def table_rows(captions: Mapping[ImageId, Sequence[str]], file_names: Mapping[ImageId, str]) -> list[Row]:
    """The rows of a table of captions: id, file name (empty if unknown) and caption."""
    return [(id, file_names.get(id, ""), caption) for id, group in captions.items() for caption in group]


def as_csv(rows: Iterable[Row]) -> str:
    """A table of captions as CSV, without the column of file names if none is known; cells are never formulas."""
    rows = list(rows)
    kept = [place for place, name in enumerate(COLUMNS) if name != "image" or any(row[place] for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([as_cell(str(one[place])) for place in kept] for one in (COLUMNS, *rows))
    return text.getvalue()


def as_json_lines(rows: Iterable[Row]) -> str:
    """A table of captions as JSON Lines; an unknown file name is left out."""
    records = ({name: value for name, value in zip(COLUMNS, row, strict=True) if value != ""} for row in rows)
    return "".join(f"{json.dumps({'caption': '', **record}, ensure_ascii=False)}\n" for record in records)


TABLES = {".csv": as_csv, ".jsonl": as_json_lines}
"""The formats of tables by suffix."""


def text_path(image: Path) -> Path:
    """The text file beside an image: ``photo.txt`` for ``photo.jpg``."""
    return image.with_suffix(".txt")


def check_text_files(images: Mapping[ImageId, object]) -> None:
    """Raise ClcapError if the text files beside the images cannot be written or would replace others.

    ``images`` are the places of the images by their paths; one in an archive has no place beside it.
    """
    archived = [id for id, place in images.items() if not isinstance(place, Path)]
    if archived:
        raise ClcapError(f"--out .txt: {archived[0]} is in an archive; write a table instead: --out captions.csv")
    paths = [text_path(Path(str(id))) for id in images]
    shared = [path for path, count in Counter(paths).items() if count > 1]
    if shared:
        raise ClcapError(
            f"--out .txt: several images have the same text file: {first_few(shared)}; write a table instead: --out "
            "captions.csv"
        )
    existing = [path for path in paths if os.path.lexists(path)]
    if existing:
        raise ClcapError(
            f"--out .txt: {len(existing)} of {len(paths)} text files exist already: {first_few(existing)}; move them "
            "away, or write a table instead: --out captions.csv"
        )
    for folder in {path.parent for path in paths}:
        check_writable_folder(folder, (".txt",))


def write_text_files(captions: Mapping[ImageId, Sequence[str]]) -> Path:
    """Write the captions of each image, whose id is its path, one per line; return the folder of all images."""
    images = [Path(str(id)) for id in captions]
    with all_or_nothing():
        for image, group in zip(images, captions.values(), strict=True):
            write_text(text_path(image), "".join(f"{caption}\n" for caption in group))
    folders = {image.parent for image in images}
    return folders.pop() if len(folders) == 1 else Path(os.path.commonpath([*map(os.path.abspath, folders)]))
