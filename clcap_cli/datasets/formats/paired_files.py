"""Images and the texts beside them, such as ``x.jpg`` and ``x.txt``, in folders and in tar archives."""

import posixpath
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from clcap_cli.datasets.cells import SPLIT_NAMES
from clcap_cli.datasets.columns import CAPTIONS
from clcap_cli.datasets.file_content import decode
from clcap_cli.datasets.file_names import is_image_name
from clcap_cli.datasets.parsing import parse_json
from clcap_cli.datasets.records import counted
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_folder_on_disk

TEXT_SUFFIXES = (".txt", ".caption", ".json")
"""Suffixes of the files with captions; of several beside an image, the first in this order is read."""
SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir"})
"""Files and folders of operating systems, in lower case; names with a leading dot are theirs too."""


@dataclass
class PairedFiles:
    """The files of a folder or an archive, by their paths in it."""

    path: Path
    """The folder or archive."""
    encoding: str | None
    """Encoding of the texts; None if it is recognised."""
    images: list[str] = field(default_factory=list)
    texts: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    """Functions that return the content of each text file; the suffix of its name is in lower case."""
    outside: list[str] = field(default_factory=list)
    """Links to files outside the folder, which are not read."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of other files by kind."""

    def add(self, name: str, read: Callable[[], bytes]) -> None:
        """Add a file; it is counted only if it is neither an image nor a text."""
        stem, suffix = posixpath.splitext(name)
        if any(map(is_system_name, name.split("/"))):
            self.left_out["hidden or system file"] += 1
        elif is_image_name(name):
            self.images.append(name)
        elif suffix.lower() in TEXT_SUFFIXES:
            self.texts[stem + suffix.lower()] = read
        else:
            self.left_out[f"{suffix} file" if suffix else "other file"] += 1

    def table(self) -> Table:
        """A row for each image with a text; raises ClcapError if there is none."""
        self.images.sort()
        cells = {image: cell for image in self.images if (cell := self._captions_of(image)) is not None}
        if not cells:
            raise ClcapError(
                f"{self.path}: none of its {counted(len(self.images), 'image')} has a text with captions beside it, "
                f"such as a.txt or a.caption for a.jpg{self._advice()}"
            )
        splits = _splits(list(cells))
        rows = [
            Row(text, {"image": image, "captions": captions, **({"split": splits[image]} if splits else {})})
            for image, (text, captions) in cells.items()
        ]
        return Table.of(self.path, rows, self._notes(cells))

    def _advice(self) -> str:
        """Advice if there are links out of the folder, or a file such as metadata.jsonl of Hugging Face's folders."""
        if self.outside:
            return f"; {self.outside[0]} is a link to a file outside the folder, which is not read; copy it here"
        tables = is_folder_on_disk(self.path) and sorted(self.path.glob("metadata.*"))
        return f"; give {tables[0]} itself to read the captions in it" if tables else ""

    def _captions_of(self, image: str) -> tuple[str, object] | None:
        """The name of the text beside an image and its captions; None if there are none."""
        for stem in (posixpath.splitext(image)[0], image):
            for suffix in TEXT_SUFFIXES:
                read = self.texts.get(stem + suffix)
                captions = self._parse(stem + suffix, read()) if read else None
                if captions is not None:
                    return stem + suffix, captions
        return None

    def _parse(self, name: str, content: bytes) -> object:
        """The captions in a text file: each line, or those of a JSON object; None if the object has none."""
        place = self.path / name
        if name.endswith(".json"):
            value = parse_json(content, place)
            return next((value[key] for key in CAPTIONS if key in value), None) if isinstance(value, dict) else None
        lines = decode(content, place, self.encoding).splitlines()
        captions = [line.strip() for line in lines if line.strip()]
        if not captions:
            raise ClcapError(f"{place} contains no caption; write one, or remove the file")
        return captions

    def _notes(self, used: Collection[str]) -> list[str]:
        """What was left out, given the images that were read."""
        unpaired = [image for image in self.images if image not in used]
        stems = {name for image in self.images for name in (posixpath.splitext(image)[0], image)}
        alone = [name for name in self.texts if posixpath.splitext(name)[0] not in stems]
        groups = {
            ("image", "without a text"): unpaired,
            ("text", "without an image"): alone,
            ("link", "to a file outside the folder"): self.outside,
        }
        named = [
            f"{counted(len(names), thing)} {lack}, such as {names[0]}"
            for (thing, lack), names in groups.items()
            if names
        ]
        others = [counted(count, kind) for kind, count in self.left_out.most_common()]
        return [f"left out: {', '.join([*named, *others])}"] if named or others else []


def is_system_name(name: str) -> bool:
    """Whether an operating system creates files or folders of this name."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _splits(images: list[str]) -> dict[str, str]:
    """The split of each image if all are in folders such as train, val and test; otherwise empty."""
    folders = {image: image.partition("/")[0].casefold() for image in images if "/" in image}
    splits = {image: SPLIT_NAMES[folder] for image, folder in folders.items() if folder in SPLIT_NAMES}
    return splits if len(splits) == len(images) else {}
