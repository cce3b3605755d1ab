"""Captions and references without a word, which change what the metrics mean."""

from collections.abc import Iterator, Sequence

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import first_few
from clcap_cli.metrics.predictions import Predictions


def count_empty_captions(predictions: Predictions) -> int:
    """The number of captions that have no word after tokenisation."""
    return sum(not text.split() for text in predictions.captions)


def empty_text_warnings(predictions: Predictions) -> Iterator[str]:
    """Warnings about tokenised captions and references without a word."""
    counts = [len(group) for group in predictions.references]
    flat = [text for group in predictions.references for text in group]
    images = [id for id, count in zip(predictions.ids, counts, strict=True) for _ in range(count)]
    captions = describe_empty(predictions.captions, [predictions.ids[at] for at in predictions.image_index], "captions")
    if captions:
        yield f"{captions}; most metrics give such a caption 0"
    if references := describe_empty(flat, images, "references"):
        yield f"{references}; no caption with words can match such a reference"


def describe_empty(texts: Sequence[str], images: Sequence[ImageId], name: str) -> str:
    """How many of the texts, each of one of ``images``, have no word; an empty string if all have one."""
    empty = [id for text, id in zip(texts, images, strict=True) if not text.split()]
    return describe_some_empty(empty, len(texts), name) if empty else ""


def describe_some_empty(images: Sequence[ImageId], total: int, name: str) -> str:
    """A description of empty texts, one of each of ``images``, out of ``total``."""
    verb, distinct = "is" if len(images) == 1 else "are", list(dict.fromkeys(images))
    shown = f"image {distinct[0]}" if len(distinct) == 1 else f"the images {first_few(distinct)}"
    return f"{len(images)} of {total} {name} {verb} empty, of {shown}"
