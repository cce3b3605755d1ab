"""A population of images with human-written captions, and random samples of it that are scored like predictions.

The captions are those of COCO train2014, which pycocoevalcap carries inside SPICE's program. The first captions of an
image are its predictions, the others its references. What a metric measures of a single caption is measured once, for
the whole population.
"""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags

from clcap_cli.metrics import bleu, cider, cider_between, mbleu, self_retrieval, spice, vocabulary
from clcap_cli.metrics.java import pycocoevalcap_folder
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.ngrams import count_ngrams
from clcap_cli.metrics.predictions import Context, Predictions, TrainingCaptions
from clcap_cli.metrics.registry import all_metrics, scale_of
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.scoring import tokenised_predictions
from clcap_cli.metrics.statistic import Statistic
from clcap_cli.tokenizers.words import WordTokenizer

CAPTIONS_OF_IMAGE = 5
MIN_WORD_COUNT = 5
"""Occurrences in the training captions that put a word into their vocabulary."""
DEPEND_ON_SAMPLE = (cider.METRIC, cider_between.METRIC)
"""Metrics whose values of a caption depend on the other images of the sample."""
METRICS = [
    metric
    for metric in all_metrics()
    if metric.computed != "when named" and metric not in (self_retrieval.METRIC, spice.METRIC, vocabulary.METRIC)
]
"""The metrics with intervals; ranks are computed here, and SPICE needs models that no package contains."""
WEAK_RANKER = ", weak ranker"
RANKERS = {"": None, WEAK_RANKER: 60}
"""Number of most frequent words that a ranker knows, by the ending of its values' names; None for all words."""
SIMILARITY_DECIMALS = 2
"""Decimal places of a ranker's similarities, so that some are equal."""


def coco_captions() -> list[list[str]]:
    """Five captions of each image of COCO train2014."""
    with zipfile.ZipFile(pycocoevalcap_folder("spice") / "spice-1.0.jar") as jar:
        annotations = json.loads(jar.read("coco/annotations/captions_train2014.json"))["annotations"]
    captions = defaultdict(list)
    for annotation in annotations:
        captions[annotation["image_id"]].append(annotation["caption"])
    return [texts[:CAPTIONS_OF_IMAGE] for texts in captions.values() if len(texts) >= CAPTIONS_OF_IMAGE]


def training_captions(captions: Sequence[str]) -> TrainingCaptions:
    """The captions with the vocabulary of their frequent words."""
    counts = Counter(word for text in captions for word in WordTokenizer([]).segmenter.text(text).split())
    frequent = [word for word, count in counts.most_common() if count >= MIN_WORD_COUNT]
    return TrainingCaptions(captions, WordTokenizer(frequent))


@dataclass(frozen=True)
class Population:
    """Predictions, equally many of each image, whose columns are measured."""

    predictions: Predictions
    counts: dict[Any, np.ndarray]
    """BLEU's counts of all captions, and of all images if they have several, by the function that counts them."""

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.predictions.ids)

    @property
    def captions_per_image(self) -> int:
        """The number of predictions of each image."""
        return len(self.predictions.captions) // self.images

    @cached_property
    def tf_idf(self) -> dict[str, tuple[csr_matrix, csr_matrix]]:
        """Unit vectors of the captions and of the references of each image, for each ranker."""
        references = [" ".join(group) for group in self.predictions.references]
        return {name: _unit_vectors(self.predictions.captions, references, words) for name, words in RANKERS.items()}

    def statistics(self, rows: np.ndarray, chosen: np.ndarray | None = None) -> dict[str, Statistic]:
        """The statistics of all values that have intervals, over the images at positions ``rows``.

        ``chosen`` are the numbers of the captions, one of each image; None takes all captions.
        """
        each = self.captions_per_image
        numbers = np.arange(each)[None] if chosen is None else chosen[:, None]
        captions = (rows[:, None] * each + numbers).ravel()
        predictions = self._predictions_of(rows, captions)
        for metric in DEPEND_ON_SAMPLE:
            assert metric.measure is not None
            predictions = predictions.with_columns(metric.measure(predictions))
        by_metric = [reported_statistics(metric, predictions) for metric in METRICS]
        found = {name: statistic for by_name in by_metric for name, statistic in by_name.items()}
        return found if predictions.has_multiple_captions else self._rank_statistics(rows, captions) | found

    def _predictions_of(self, rows: np.ndarray, captions: np.ndarray) -> Predictions:
        given = self.predictions
        return Predictions(
            ids=rows.tolist(),
            raw_captions=[given.raw_captions[row] for row in captions],
            captions=[given.captions[row] for row in captions],
            references=[given.references[row] for row in rows],
            caption_counts=np.full(len(rows), len(captions) // len(rows)),
            columns={name: [values[row] for row in captions] for name, values in given.columns.items()},
            context=replace(given.context, similar_images=self._similar_images(rows)),
            _cache={
                count: values[captions if len(values) == len(given.captions) else rows]
                for count, values in self.counts.items()
            },
        )

    def _similar_images(self, rows: np.ndarray) -> list[list[int]]:
        """The images with the most similar references."""
        references = self.tf_idf[""][1][rows]
        similarity = (references @ references.T).toarray()
        np.fill_diagonal(similarity, -1)
        nearest = cider_between.SIMILAR_IMAGES
        return np.argpartition(-similarity, nearest)[:, :nearest].tolist()

    def _rank_statistics(self, rows: np.ndarray, captions: np.ndarray) -> dict[str, Statistic]:
        """Self-retrieval among the sample by the similarity of a caption with the references of each image."""
        found = {}
        for ending, (caption_vectors, reference_vectors) in self.tf_idf.items():
            similarity = (caption_vectors[captions] @ reference_vectors[rows].T).toarray()
            similarity = np.round(similarity, SIMILARITY_DECIMALS)
            own = similarity.diagonal()[:, None]
            tied = (similarity == own).sum(1)
            ranks = 1 + (similarity > own).sum(1) + (tied - 1) / 2
            found |= {
                f"{name}{ending}": one for name, one in self_retrieval.rank_statistics(ranks, tied, len(rows)).items()
            }
        return found


@cache
def scale_of_value(name: str) -> Scale:
    """The scale of a value of a sample."""
    return scale_of(name.removesuffix(WEAK_RANKER))


def _unit_vectors(
    captions: Sequence[str], references: Sequence[str], known_words: int | None
) -> tuple[csr_matrix, csr_matrix]:
    """Tf-idf of the captions and of the references, of the most frequent words only, as vectors of length 1."""
    ngrams = count_ngrams([*captions, *references])
    counts = ngrams.counts[:, ngrams.orders == 0]
    frequency = np.bincount(counts[len(captions) :].indices, minlength=counts.shape[1])
    known = np.argsort(-frequency, kind="stable")[:known_words]
    weighted = counts[:, known] @ diags(np.log(len(references) / np.maximum(frequency[known], 1)))
    norms = np.sqrt(np.asarray(weighted.power(2).sum(1)).ravel())
    unit = (diags(1 / np.maximum(norms, 1e-12)) @ weighted).tocsr()
    return unit[: len(captions)], unit[len(captions) :]


def population(images: int, captions_per_image: int) -> Population:
    """A population of this many images, with the first captions as predictions; the next images are training images."""
    captions = coco_captions()
    training = training_captions([text for group in captions[images : 2 * images] for text in group])
    predictions = {id: captions[id][:captions_per_image] for id in range(images)}
    references = {id: captions[id][captions_per_image:] for id in range(images)}
    measured = tokenised_predictions(predictions, references, Context(training=training))
    for metric in METRICS:
        if metric not in DEPEND_ON_SAMPLE:
            measure = metric.start(measured.context) if metric.start else metric.measure
            measured = measured.with_columns(measure(measured) if measure else {})
    counts = {bleu._counts: bleu._counts(measured)}
    if captions_per_image > 1:
        counts[mbleu.mutual_bleu_statistics] = mbleu.mutual_bleu_statistics(measured)
    return Population(measured, counts)
