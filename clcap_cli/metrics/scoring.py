"""Predictions and references -> everything that metrics say of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.bootstrap import Draws, measured
from clcap_cli.metrics.java import ended_together
from clcap_cli.metrics.metric import Metric
from clcap_cli.metrics.multiple_captions import signature_of, statistics_of, values_by_image
from clcap_cli.metrics.predictions import Columns, Context, Predictions, entries_of
from clcap_cli.metrics.ptb_tokenizer import tokenise
from clcap_cli.metrics.signature import join_signature


@dataclass
class Scores:
    """What metrics found, each by its name."""

    predictions: Predictions
    """With the columns of all metrics."""
    by_metric: dict[str, dict[str, float]] = field(default_factory=dict)
    """Over all images."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """95% confidence, by value."""
    signatures: dict[str, str] = field(default_factory=dict)
    """What each value depends on, as far as not all values do."""
    by_image: dict[str, list[float]] = field(default_factory=dict)
    """Values of images that are not those of single captions."""
    not_scored: dict[str, str] = field(default_factory=dict)
    """Metrics that could not be computed, and why."""

    @property
    def values(self) -> dict[str, float]:
        """Over all images; what is of the corpus is the corpus's, the others are means."""
        return {name: value for values in self.by_metric.values() for name, value in values.items()}

    def entries(self) -> list[dict[str, Any]]:
        """What was measured of each image."""
        return entries_of(self.predictions, self.by_image)

    def add(self, metric: Metric, measure: Callable[[Predictions], Columns], draws: Draws) -> None:
        """Measure; a metric that cannot be computed takes nothing with it."""
        lacking = [need for need in metric.needs if need in self.not_scored]
        try:
            if lacking:
                raise ClcapError(f"{metric.name} needs {lacking[0]}, which is not scored")
            self.predictions = self.predictions.with_columns(measure(self.predictions))
        except ClcapError as error:
            self.not_scored[metric.name] = str(error)
            return
        values, intervals = measured(statistics_of(metric, self.predictions), draws)
        counts = {info.name for info in metric.values if info.whole}
        self.by_metric[metric.name] = {name: int(one) if name in counts else one for name, one in values.items()}
        self.intervals |= intervals
        self.by_image |= values_by_image(metric, self.predictions)
        signatures = {name: signature_of(metric, self.predictions, name) for name in values}
        self.signatures |= {name: join_signature(parts) for name, parts in signatures.items() if parts}


def score_captions(
    captions: Mapping[ImageId, Sequence[str]],
    references: Mapping[ImageId, Sequence[str]],
    draws: Draws,
    metrics: Sequence[Metric],
    context: Context = Context(),
) -> Scores:
    """Tokenise and score the captions of each image, one or several, against its references.

    ``references`` must have every image of ``captions``; ``draws`` are resamples of so many images. Metrics that run a
    program do so beside the others. A metric that cannot be computed is in ``not_scored``, and the others are as they
    would be.

    Raises ClcapError when the tokeniser fails.
    """
    with ThreadPoolExecutor() as pool, ended_together():
        texts = pool.submit(tokenised, captions, references, context)
        running = {metric.name: pool.submit(_measured, metric, context, texts) for metric in metrics if metric.start}
        scores = Scores(texts.result())
        for metric in _in_turn(metrics):
            own = running.get(metric.name)
            scores.add(metric, _answer(own) if own else metric.measure or _nothing, draws)
    order = [metric.name for metric in metrics]
    scores.by_metric = dict(sorted(scores.by_metric.items(), key=lambda item: order.index(item[0])))
    return scores


def _in_turn(metrics: Iterable[Metric]) -> list[Metric]:
    """Those that run programs after the others, and those that are made of others last."""
    return sorted(metrics, key=lambda metric: (bool(metric.needs), metric.start is not None))


def _measured(metric: Metric, context: Context, texts: Future[Predictions]) -> Columns:
    assert metric.start is not None
    measure = metric.start(context)
    return measure(texts.result())


def _answer(running: Future[Columns]) -> Callable[[Predictions], Columns]:
    return lambda _: running.result()


def _nothing(_: Predictions) -> Columns:
    return {}


def tokenised(
    captions: Mapping[ImageId, Sequence[str]], references: Mapping[ImageId, Sequence[str]], context: Context
) -> Predictions:
    """Predictions without columns; ``references`` must have every image of ``captions``.

    Raises ClcapError when the tokeniser fails.
    """
    ids = list(captions)
    raw = [text for own in captions.values() for text in own]
    tokens, flat = tokenise(raw, [text for id in ids for text in references[id]])
    counts = np.array([len(own) for own in captions.values()])
    return Predictions(ids, raw, tokens, _regrouped(flat, [references[id] for id in ids]), counts, context=context)


def tokenised_groups(groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """Groups of texts, tokenised.

    Raises ClcapError when the tokeniser fails.
    """
    (flat,) = tokenise([text for group in groups for text in group])
    return _regrouped(flat, groups)


def _regrouped(flat: Sequence[str], groups: Sequence[Sequence[str]]) -> list[list[str]]:
    rest = iter(flat)
    return [list(islice(rest, len(group))) for group in groups]
