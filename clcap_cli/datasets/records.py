"""Records that all caption formats are converted to."""

from dataclasses import dataclass, field
from pathlib import Path

from clcap_cli.datasets.embedded_images import EmbeddedImages
from clcap_cli.errors import ClcapError, first_few

ImageId = int | str


def counted(number: int, thing: str) -> str:
    """A number of things, such as "1 image" or "2 images"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """Captions of an image from one row of a file; other rows may be about the same image."""

    id: ImageId
    captions: list[str]
    """Empty if the row lists an image without captions."""
    file_name: str | None = None
    """Name of the image file; None if the caption file does not give it."""
    split: str | None = None
    """Name of the image's split; None if the caption file does not give it."""
    location: str = ""
    """Location in the file for messages, such as "row 1"."""
    is_repeat: bool = False
    """Whether an earlier row of the file has exactly the same content."""


@dataclass(frozen=True)
class CaptionFile:
    """A caption file that was read."""

    path: Path
    format: str
    """Name of the format, such as "CSV"."""
    records: list[CaptionRecord]
    """One record per row, in the file's order."""
    columns: dict[str, str] = field(default_factory=dict)
    """Names of the columns that were read, by role."""
    unused_columns: list[str] = field(default_factory=list)
    """Names of the columns that were not read."""
    notes: list[str] = field(default_factory=list)
    """What else was left out or assumed, as phrases."""
    images: EmbeddedImages | None = None
    """The images themselves if the file holds them."""

    def summary(self) -> str:
        """One line about what the file is and how much of it was read."""
        unused = [f"columns not used: {first_few(self.unused_columns, 20)}"] if self.unused_columns else []
        return f"{self.path} ({self.format}): {'; '.join([*self.counts(), *unused, *self.notes])}"

    def check_rows(self) -> None:
        """Raise ClcapError if there are no rows."""
        if not self.records:
            raise ClcapError(f"{self.path} ({self.format}) has no rows; expected at least one image with a caption")

    def counts(self) -> list[str]:
        """The number of rows, images, captions and exact repeats, as phrases."""
        count, images = len(self.records), len({record.id for record in self.records})
        captions = sum(len(record.captions) for record in self.records)
        repeats = sum(record.is_repeat for record in self.records)
        found = ", ".join((counted(count, "row"), counted(images, "image"), counted(captions, "caption")))
        return [found, f"{counted(repeats, 'exact repeat')} of earlier rows"] if repeats else [found]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of a dataset with its split and captions."""

    id: ImageId
    file_name: str
    split: str
    captions: list[str]
