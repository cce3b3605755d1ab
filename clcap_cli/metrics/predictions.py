"""The input of metrics: predicted captions, their references and the evaluation context."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.metrics.bleu_settings import BleuSettings
from clcap_cli.metrics.embeddings import ImageTextEncoder, TextEncoder
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.tokenizers.words import WordTokenizer

T = TypeVar("T")
Columns = Mapping[str, Sequence[Any]]
"""Lists with one value per caption, by name."""
TEXT_FIELDS = ("image_id", "caption", "captions", "tokenised", "references")
"""Fields of an image's entry in a metrics file that are not columns."""


@dataclass(frozen=True)
class TrainingCaptions:
    """The captions that a captioner was trained on."""

    captions: Sequence[str]
    tokenizer: WordTokenizer


@dataclass(frozen=True)
class Context:
    """Data besides the references that metrics compare predictions with; unknown parts are None."""

    df_name: str | None = None
    """Name of the captions that CIDEr's document frequencies are counted in; None for the references themselves."""
    df_captions: Sequence[Sequence[str]] | None = None
    """These captions, tokenised, by image; None if they are the references, or if stored CIDEr values are reused."""
    training: TrainingCaptions | None = None
    similar_images: Sequence[Sequence[int]] | None = None
    """Positions of the most similar images of each image."""
    retrieval_ranks: Columns | None = None
    """Results of self-retrieval: the columns ``rank``, ``tied`` and ``pool_size``."""
    retrieval_signature: Mapping[str, str] = field(default_factory=dict)
    """The pool of these ranks and the ranker, as parts of a signature."""
    segmenter: Segmenter | None = None
    """Tokenisation of captions and references; None for the PTB tokeniser of COCO's evaluation."""
    bleu: BleuSettings = BleuSettings()
    objects_name: str | None = None
    """Name of the annotations of the images' objects; None if the references alone name them."""
    objects: Sequence[Set[str]] | None = None
    """(N,) annotated objects of each image, by COCO's names."""
    spice_models: Path | None = None
    """Folder of the models of SPICE's parser; None for the folder inside pycocoevalcap."""
    sentence_encoder: TextEncoder | None = None
    clip: ImageTextEncoder | None = None


@dataclass(frozen=True)
class Predictions:
    """C predicted captions of N images with their references, and the columns measured so far.

    The captions of an image, one or several, are adjacent.
    """

    ids: Sequence[ImageId]
    """(N,)"""
    raw_captions: Sequence[str]
    """(C,) captions as predicted."""
    captions: Sequence[str]
    """(C,) tokenised captions; empty for entries of a retrieval file, which has none."""
    references: Sequence[Sequence[str]]
    """(N,) tokenised references of each image."""
    caption_counts: np.ndarray
    """(N,) number of captions of each image."""
    columns: Columns = field(default_factory=dict)
    context: Context = Context()
    raw_references: Sequence[Sequence[str]] = ()
    """(N,) references of each image as written; empty for predictions from a metrics file, which lacks them."""
    _cache: dict[Callable, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def image_index(self) -> np.ndarray:
        """(C,) position of each caption's image."""
        return np.repeat(np.arange(len(self.caption_counts)), self.caption_counts)

    @property
    def has_multiple_captions(self) -> bool:
        """Whether any image has more than one caption."""
        return bool(self.caption_counts.max() > 1)

    @property
    def captions_per_image(self) -> str:
        """The number of captions per image as text, as a range if it differs between images."""
        low, high = self.caption_counts.min(), self.caption_counts.max()
        return str(low) if low == high else f"{low}-{high}"

    @property
    def references_by_caption(self) -> list[Sequence[str]]:
        """(C,) references of each caption's image."""
        return [self.references[image] for image in self.image_index]

    def cached(self, compute: Callable[["Predictions"], T]) -> T:
        """``compute(self)``, computed at the first call only."""
        if compute not in self._cache:
            self._cache[compute] = compute(self)
        return self._cache[compute]

    def with_columns(self, columns: Columns) -> "Predictions":
        """A copy with additional columns."""
        return replace(self, columns={**self.columns, **columns})

    def column(self, name: str) -> np.ndarray:
        """(C, …) column ``name`` as float64."""
        return np.array(self.columns[name], dtype=np.float64)

    def grouped_by_image(self, values: Sequence[T]) -> list[list[T]]:
        """Values (C,) as one list per image."""
        ends = np.cumsum(self.caption_counts).tolist()
        return [list(values[first:end]) for first, end in zip([0, *ends], ends, strict=False)]

    def sum_by_image(self, values: np.ndarray) -> np.ndarray:
        """(N, …) sums of values (C, …) over each image's captions."""
        return np.add.reduceat(values, self._first_rows)

    def mean_by_image(self, values: np.ndarray) -> np.ndarray:
        """(N, …) means of values (C, …) over each image's captions."""
        return (self.sum_by_image(values).T / self.caption_counts).T

    def best_rows(self, values: np.ndarray) -> np.ndarray:
        """(N,) position of each image's caption with the highest of values (C,); the first one in a tie."""
        groups = zip(self._first_rows, self.caption_counts, strict=True)
        return np.array([first + int(np.argmax(values[first : first + count])) for first, count in groups])

    def select(self, rows: np.ndarray) -> "Predictions":
        """The same images with one caption each: the captions at positions ``rows`` (N,)."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        raw, captions = ([texts[row] for row in rows] for texts in (self.raw_captions, self.captions))
        counts = np.ones_like(self.caption_counts)
        return Predictions(self.ids, raw, captions, self.references, counts, columns, self.context)

    @property
    def _first_rows(self) -> np.ndarray:
        """(N,) position of each image's first caption."""
        return np.cumsum(self.caption_counts) - self.caption_counts


def predictions_from_entries(entries: Sequence[Mapping[str, Any]], context: Context = Context()) -> Predictions:
    """Predictions and their columns from the images' entries of a metrics or a retrieval file."""
    captions = [entry.get("captions", [entry]) for entry in entries]
    records = [record for group in captions for record in group]
    has_texts = all("tokenised" in record for record in records)
    columns = [name for name in records[0] if name not in TEXT_FIELDS and all(name in record for record in records)]
    return Predictions(
        ids=[entry["image_id"] for entry in entries],
        raw_captions=[record["caption"] for record in records],
        captions=[record["tokenised"] for record in records] if has_texts else [],
        references=[entry.get("references", []) for entry in entries],
        caption_counts=np.array([len(group) for group in captions]),
        columns={name: [record[name] for record in records] for name in columns},
        context=context,
    )


def image_entries(predictions: Predictions, values_by_image: Columns) -> list[dict[str, Any]]:
    """The images' entries of a metrics file; ``values_by_image`` are the values of whole images.

    If an image has several captions, ``captions`` holds a record of each.
    """
    columns = {"caption": predictions.raw_captions, **predictions.columns, "tokenised": predictions.captions}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    groups = zip(predictions.ids, predictions.grouped_by_image(records), strict=True)
    return [
        {
            "image_id": id,
            **({"caption": group[0]["caption"], "captions": group} if predictions.has_multiple_captions else group[0]),
            **{name: values[position] for name, values in values_by_image.items()},
            "references": list(predictions.references[position]),
        }
        for position, (id, group) in enumerate(groups)
    ]
