"""Scoring of predictions against references with any number of metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, MissingFilesError
from clcap_cli.metrics.bootstrap import Resamples, values_and_intervals
from clcap_cli.metrics.java import kill_all_on_error
from clcap_cli.metrics.metric import Metric
from clcap_cli.metrics.multiple_captions import reported_statistics, signature_of, values_by_image
from clcap_cli.metrics.predictions import Columns, Context, Predictions, image_entries
from clcap_cli.metrics.signature import join_signature
from clcap_cli.metrics.tokenisation import tokenise
from clcap_cli.segmentation.segmenter import Segmenter

Measure = Callable[[Predictions], Columns]
"""Function that measures the columns of a metric."""


@dataclass
class Scores:
    """Results of metrics."""

    predictions: Predictions
    """Predictions with the columns of all metrics."""
    by_metric: dict[str, dict[str, float]] = field(default_factory=dict)
    """Values over all images by name, for each metric."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """95% confidence intervals by value name."""
    signatures: dict[str, str] = field(default_factory=dict)
    """Signatures by value name, without the part that all values share."""
    by_image: dict[str, list[float]] = field(default_factory=dict)
    """Values of whole images by name, one per image."""
    not_scored: dict[str, str] = field(default_factory=dict)
    """Reasons why metrics could not be computed, by metric name; a metric that needs another one has its reason."""

    short_reasons: dict[str, str] = field(default_factory=dict)
    """A few words for those of these reasons that are about missing files, by reason."""

    @property
    def values(self) -> dict[str, float]:
        """Values over all images by name; corpus metrics are those of the corpus, all others are means."""
        return {name: value for values in self.by_metric.values() for name, value in values.items()}

    def entries(self) -> list[dict[str, Any]]:
        """The images' entries of a metrics file."""
        return image_entries(self.predictions, self.by_image)

    def add(self, measures: Iterable[tuple[Metric, Measure]], resamples: Resamples) -> None:
        """Measure metrics and add their values, which are resampled together.

        Of a metric that fails, only the reason is added, to ``not_scored``.
        """
        measured = [metric for metric, measure in measures if self._has_measured(metric, measure)]
        statistics = {metric.name: reported_statistics(metric, self.predictions) for metric in measured}
        of_all = {name: one for by_name in statistics.values() for name, one in by_name.items()}
        values, intervals = values_and_intervals(of_all, resamples)
        self.intervals |= intervals
        for metric in measured:
            self._add_values(metric, {name: values[name] for name in statistics[metric.name]})

    def _has_measured(self, metric: Metric, measure: Measure) -> bool:
        """Whether a metric's columns could be measured; they are added to the predictions."""
        missing = [self.not_scored[name] for name in metric.needs if name in self.not_scored]
        try:
            if missing:
                raise ClcapError(missing[0])
            self.predictions = self.predictions.with_columns(measure(self.predictions))
        except ClcapError as error:
            self.not_scored[metric.name] = str(error)
            if isinstance(error, MissingFilesError):
                self.short_reasons[str(error)] = error.short
            return False
        return True

    def _add_values(self, metric: Metric, values: Mapping[str, float]) -> None:
        counts = {info.name for info in metric.values if info.is_count}
        self.by_metric[metric.name] = {name: int(value) if name in counts else value for name, value in values.items()}
        self.by_image |= values_by_image(metric, self.predictions)
        signatures = {name: signature_of(metric, self.predictions, name) for name in values}
        self.signatures |= {name: join_signature(parts) for name, parts in signatures.items() if parts}


def score_captions(
    captions: Mapping[ImageId, Sequence[str]],
    references: Mapping[ImageId, Sequence[str]],
    resamples: Resamples,
    metrics: Sequence[Metric],
    context: Context = Context(),
) -> Scores:
    """Tokenise and score the captions of each image, one or several, against its references.

    ``references`` must have every image of ``captions``, and ``resamples`` must be of this number of images. Metrics
    that run a program run in parallel with the others. A metric that fails is listed in ``not_scored`` and does not
    affect the others.

    Raises ClcapError when the tokeniser fails.
    """
    with ThreadPoolExecutor() as pool, kill_all_on_error():
        tokenised = pool.submit(tokenised_predictions, captions, references, context)
        running = {
            metric.name: pool.submit(_measure_when_tokenised, metric, context, tokenised)
            for metric in metrics
            if metric.start
        }
        scores = Scores(tokenised.result())
        for group in _execution_order(metrics):
            scores.add([(metric, _measure_of(metric, running)) for metric in group], resamples)
    order = [metric.name for metric in metrics]
    scores.by_metric = dict(sorted(scores.by_metric.items(), key=lambda item: order.index(item[0])))
    return scores


def _execution_order(metrics: Iterable[Metric]) -> list[list[Metric]]:
    """Groups of metrics: those that run programs after the others, and those that need other metrics last."""

    def when(metric: Metric) -> tuple[bool, bool]:
        return bool(metric.needs), metric.start is not None

    return [list(group) for _, group in groupby(sorted(metrics, key=when), when)]


def _measure_when_tokenised(metric: Metric, context: Context, tokenised: Future[Predictions]) -> Columns:
    assert metric.start is not None
    return metric.start(context)(tokenised.result())


def _measure_of(metric: Metric, running: Mapping[str, Future[Columns]]) -> Measure:
    if metric.name in running:
        return lambda _: running[metric.name].result()
    return metric.measure or _no_columns


def _no_columns(_: Predictions) -> Columns:
    return {}


def tokenised_predictions(
    captions: Mapping[ImageId, Sequence[str]], references: Mapping[ImageId, Sequence[str]], context: Context
) -> Predictions:
    """Predictions without columns; ``references`` must have every image of ``captions``.

    Raises ClcapError when the tokeniser fails.
    """
    ids = list(captions)
    raw = [text for group in captions.values() for text in group]
    raw_references = [references[id] for id in ids]
    tokenised, flat_references = tokenise(context.segmenter, raw, [text for group in raw_references for text in group])
    counts = np.array([len(group) for group in captions.values()])
    groups = _split_like(flat_references, raw_references)
    return Predictions(ids, raw, tokenised, groups, counts, context=context, raw_references=raw_references)


def tokenise_groups(groups: Sequence[Sequence[str]], segmenter: Segmenter | None) -> list[list[str]]:
    """Tokenise groups of texts, for ``segmenter`` as in ``Context``.

    Raises ClcapError when the tokeniser fails.
    """
    (flat,) = tokenise(segmenter, [text for group in groups for text in group])
    return _split_like(flat, groups)


def _split_like(flat: Sequence[str], groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """The texts ``flat`` as groups with the sizes of ``groups``."""
    rest = iter(flat)
    return [list(islice(rest, len(group))) for group in groups]
