"""What metrics measure: predicted captions with their references, and what else is known of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.tokenizers.words import WordTokenizer

T = TypeVar("T")
Columns = Mapping[str, Sequence[Any]]
"""A name and one value for each caption."""
TEXTS = ("image_id", "caption", "captions", "tokenised", "references")
"""Fields of an image's entry in a metrics file that are no columns."""


@dataclass(frozen=True)
class TrainingCaptions:
    """The captions that a captioner was trained on."""

    captions: Sequence[str]
    tokenizer: WordTokenizer


@dataclass(frozen=True)
class Context:
    """What predictions are measured against beside their references; None for what is not known."""

    frequencies: str | None = None
    """Name of the captions that CIDEr's document frequencies are counted in; None: the references themselves."""
    corpus: Sequence[Sequence[str]] | None = None
    """These captions, tokenised, by image; None where CIDEr is not measured again."""
    training: TrainingCaptions | None = None
    similar: Sequence[Sequence[int]] | None = None
    """Positions of the images most like each."""
    ranks: Columns | None = None
    """Of self-retrieval: ``rank`` and ``tied``."""
    spice_models: Path | None = None
    """Folder of SPICE's parser; None: where pycocoevalcap has it."""


@dataclass(frozen=True)
class Predictions:
    """C predicted captions of N images, with their references and what was measured of each caption so far.

    Captions stand image by image, one or several for each.
    """

    ids: Sequence[ImageId]
    """(N,)"""
    raw: Sequence[str]
    """(C,) captions as they were predicted."""
    captions: Sequence[str]
    """(C,) the same, tokenised."""
    references: Sequence[Sequence[str]]
    """(N,) tokenised."""
    counts: np.ndarray
    """(N,) captions of each image."""
    columns: Columns = field(default_factory=dict)
    context: Context = Context()
    _made: dict[Callable, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def image(self) -> np.ndarray:
        """(C,) the position of each caption's image."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def several(self) -> bool:
        """Whether an image has more than one caption."""
        return bool(self.counts.max() > 1)

    @property
    def per_image(self) -> str:
        """Number of captions of an image, or the range of it."""
        low, high = self.counts.min(), self.counts.max()
        return str(low) if low == high else f"{low}-{high}"

    @property
    def own_references(self) -> list[Sequence[str]]:
        """(C,) the references of each caption's image."""
        return [self.references[image] for image in self.image]

    def once(self, make: Callable[["Predictions"], T]) -> T:
        """What ``make`` gives for these texts, made at the first call only."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def with_columns(self, columns: Columns) -> "Predictions":
        """The same with more columns."""
        return replace(self, columns={**self.columns, **columns})

    def column(self, name: str) -> np.ndarray:
        """(C, …) float64."""
        return np.array(self.columns[name], dtype=np.float64)

    def by_image(self, values: Sequence[T]) -> list[list[T]]:
        """(C,) values as one list for each image."""
        ends = np.cumsum(self.counts).tolist()
        return [list(values[first:end]) for first, end in zip([0, *ends], ends, strict=False)]

    def total(self, values: np.ndarray) -> np.ndarray:
        """(C, …) numbers, added up for each image: (N, …)."""
        return np.add.reduceat(values, np.cumsum(self.counts) - self.counts)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """(C, …) numbers, averaged over each image's captions: (N, …)."""
        return (self.total(values).T / self.counts).T

    def best(self, values: np.ndarray) -> np.ndarray:
        """(N,) the caption of each image that has the highest of (C,) values, the first of equals."""
        firsts = np.cumsum(self.counts) - self.counts
        places = zip(firsts, self.counts, strict=True)
        return np.array([first + int(np.argmax(values[first : first + count])) for first, count in places])

    def chosen(self, rows: np.ndarray) -> "Predictions":
        """The same images with one caption each: those at ``rows`` (N,)."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        raw, captions = ([texts[row] for row in rows] for texts in (self.raw, self.captions))
        return Predictions(self.ids, raw, captions, self.references, np.ones_like(self.counts), columns, self.context)


def predictions_of(entries: Sequence[Mapping[str, Any]], context: Context = Context()) -> Predictions:
    """Predictions from the images' entries of metrics files, with what was measured of every caption."""
    captions = [entry.get("captions", [entry]) for entry in entries]
    records = [record for own in captions for record in own]
    columns = [name for name in records[0] if name not in TEXTS and all(name in record for record in records)]
    return Predictions(
        ids=[entry["image_id"] for entry in entries],
        raw=[record["caption"] for record in records],
        captions=[record["tokenised"] for record in records],
        references=[entry["references"] for entry in entries],
        counts=np.array([len(own) for own in captions]),
        columns={name: [record[name] for record in records] for name in columns},
        context=context,
    )


def entries_of(predictions: Predictions, by_image: Columns) -> list[dict[str, Any]]:
    """Predictions as the images' entries of a metrics file; ``by_image`` are values of whole images.

    Where an image has several captions, each has a record of its own under ``captions``.
    """
    columns = {"caption": predictions.raw, **predictions.columns, "tokenised": predictions.captions}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {
            "image_id": id,
            **({"caption": own[0]["caption"], "captions": own} if predictions.several else own[0]),
            **{name: values[at] for name, values in by_image.items()},
            "references": list(predictions.references[at]),
        }
        for at, (id, own) in enumerate(zip(predictions.ids, predictions.by_image(records), strict=True))
    ]
