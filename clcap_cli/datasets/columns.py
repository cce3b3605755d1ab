"""Which columns of a table hold the image, its captions and its split, recognised by the names in common use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clcap_cli.datasets.limits import MAX_COLUMNS
from clcap_cli.errors import ClcapError, first_few

IDS = ("imageid", "cocoid", "imgid", "id", "key")
FILE_NAMES = ("filename", "imagefile", "imagefilename", "imagepath", "filepath", "imgpath", "imagename", "imgname",
              "path", "image", "img", "images", "photo", "picture", "file")  # fmt: skip
CAPTIONS = ("caption", "captions", "raw", "text", "texts", "sentence", "sentences", "comment", "comments",
            "description", "descriptions", "captionstr", "references", "referencestrs", "reference", "generatedcaption",
            "prediction", "predictions", "hypothesis", "title")  # fmt: skip
SPLITS = ("split", "setname", "subset", "partition", "fold")
"""Names of columns without case, spaces and punctuation; the first one that a table has is used."""
_NAMES = {"id": IDS, "image": FILE_NAMES, "caption": CAPTIONS, "split": SPLITS}
_NUMBERED = re.compile(r"(caption|sentence|text|reference|ref|comment|description)\d+")


@dataclass(frozen=True)
class Columns:
    """The columns of a table that clcap reads."""

    id: str | None
    image: str | None
    captions: Sequence[str]
    """One column, or several numbered ones, each with a caption of the row's image."""
    split: str | None
    folder: str | None = None
    """The column of the image's folder, which Karpathy's files give separately."""

    @property
    def by_role(self) -> dict[str, str]:
        """Names of the columns by role, for messages."""
        roles = {"id": self.id, "image": self.image, "caption": ", ".join(self.captions), "split": self.split}
        return {role: name for role, name in roles.items() if name}

    @property
    def used(self) -> set[str]:
        """Names of all columns that are read."""
        return {name for name in (self.id, self.image, *self.captions, self.split, self.folder) if name}


def find_columns(path: Path, columns: Sequence[str], chosen: Mapping[str, str]) -> Columns:
    """The columns to read; ``chosen`` names those of some roles, in files that have them.

    Raises ClcapError if two columns have the same name, and if no column holds the image or the captions.
    """
    _check_unique(path, columns)
    found = {role: find_column(columns, role, chosen) for role in _NAMES}
    captions = [found["caption"]] if found["caption"] else _numbered(columns)
    if not captions:
        raise _missing(path, columns, "captions", "caption or text", "caption")
    if not (found["id"] or found["image"]):
        raise _missing(path, columns, "the image", "image_id, image or file_name", "image")
    return Columns(found["id"], found["image"], captions, found["split"], _folder(columns, found["image"]))


def has_caption_columns(names: Iterable[str]) -> bool:
    """Whether a table with these columns has captions of images."""
    return {"image", "caption"} <= known_content(names)


def known_content(names: Iterable[str]) -> set[str]:
    """Which of the image and the caption a table with these columns has."""
    names = list(islice(names, MAX_COLUMNS))
    known = set(map(normal_name, names))
    has_captions = bool((known & {*CAPTIONS}) or _numbered(names))
    has_images = bool(known & {*IDS, *FILE_NAMES})
    return {name for name, found in (("image", has_images), ("caption", has_captions)) if found}


def normal_name(column: object) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", str(column)).casefold()


def find_column(columns: Sequence[str], role: str, chosen: Mapping[str, str]) -> str | None:
    """The column with a role, the one that ``chosen`` names or the first that is recognised; None if there is none."""
    if role in chosen:
        wanted = normal_name(chosen[role])
        matching = [name for name in columns if name == chosen[role]] or [
            name for name in columns if normal_name(name) == wanted
        ]
        if matching:
            return matching[0]
    taken = set(map(normal_name, chosen.values()))
    by_name: dict[str, str] = {}
    for column in columns:
        if normal_name(column) not in taken:
            by_name.setdefault(normal_name(column), column)
    return next((by_name[name] for name in _NAMES[role] if name in by_name), None)


def _folder(columns: Sequence[str], image: str | None) -> str | None:
    """The column of folders in tables made from Karpathy's files, beside one of file names."""
    return next((name for name in columns if {image, name} == {"filename", "filepath"}), None)


def _numbered(columns: Iterable[str]) -> list[str]:
    return [column for column in columns if _NUMBERED.fullmatch(normal_name(column))]


def _check_unique(path: Path, columns: Sequence[str]) -> None:
    known = {name for names in _NAMES.values() for name in names}
    first: dict[str, str] = {}
    for column in columns:
        name = normal_name(column)
        if name in known and name in first:
            both = f"two columns '{column}'" if column == first[name] else f"columns '{first[name]}' and '{column}'"
            raise ClcapError(f"{path} has {both}; rename or remove one of them")
        first.setdefault(name, column)


def _missing(path: Path, columns: Sequence[str], content: str, expected: str, role: str) -> ClcapError:
    return ClcapError(
        f"{path} has no column for {content}, such as {expected}; it has: {first_few(columns, 20)}; "
        f"if it is one of these, name it with --columns {role}=NAME"
    )
