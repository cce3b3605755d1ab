"""COCO results, the usual format of predicted captions: a list of objects with image_id and caption."""

from typing_extensions import TypedDict

from clcap_cli.datasets.cells import Captions
from clcap_cli.datasets.ids import JsonId
from clcap_cli.datasets.parsing import validated
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source


class _Entry(TypedDict):
    image_id: JsonId
    caption: Captions


def _recognises(source: Source) -> bool:
    entries = source.value
    return isinstance(entries, list) and all(isinstance(entry, dict) and "image_id" in entry for entry in entries[:1])


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    """One record per entry, without file name and split."""
    entries = validated(source.value, list[_Entry], source.path, "a COCO results list")
    return [CaptionRecord(entry["image_id"], entry["caption"]) for entry in entries]


READER = Reader("COCO results (JSON list with image_id and caption)", _recognises, _read)
