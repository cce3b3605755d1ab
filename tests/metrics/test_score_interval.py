"""Intervals stay inside the scale of their metric, contain the value, and equal Wilson's for shares."""

import re
from math import inf, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from clcap_cli.metrics import bleu, cider, cider_between, rouge_l, self_retrieval, spider, uniqueness
from clcap_cli.metrics.bootstrap import (
    difference_interval,
    draw_resamples,
    estimate,
    values_and_intervals,
)
from clcap_cli.metrics.metric import Metric
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.predictions import Context, Predictions
from clcap_cli.metrics.registry import all_metrics, scale_of
from clcap_cli.metrics.scale import RANK, SHARE, UNLIMITED, Scale
from clcap_cli.metrics.score_interval import score_interval
from clcap_cli.metrics.statistic import Statistic, mean_of
from tests.metrics.builders import predictions
from tests.metrics.intervals import confidence_interval

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
FINITE = st.floats(-1e6, 1e6)


def wilson(successes: int, images: int, quantile: float) -> tuple[float, float]:
    share, squared = successes / images, quantile**2
    middle = (share + squared / (2 * images)) / (1 + squared / images)
    reach = quantile / (1 + squared / images) * sqrt(share * (1 - share) / images + squared / (4 * images**2))
    return middle - reach, middle + reach


@pytest.mark.parametrize("successes", [0, 20, 500, 980, 1000])
def test_the_interval_of_a_share_is_wilsons(successes: int) -> None:
    values = np.arange(1000) < successes
    actual = confidence_interval(mean_of(values.astype(float)), SHARE, draw_resamples(1000, 0))
    assert actual == pytest.approx(wilson(successes, 1000, 1.962), rel=0.15, abs=1e-12)


@pytest.mark.parametrize("images", [12, 200, 1000])
def test_intervals_of_rare_events_cover(images: int) -> None:
    """Exact coverage of the share of images with an event, also where most samples have no such event."""
    counts = np.arange(images + 1)
    shares = counts / images
    deviations = np.sqrt(shares * (1 - shares) / images)
    pairs = zip(shares, deviations, strict=True)
    ends = [score_interval(share, np.array([share - one, share + one]), images, SHARE) for share, one in pairs]
    low, high = np.array(ends).T
    for events in (0.03, 0.1, 0.18, 0.5, 1, 2, 4, 5.9):
        truth = events / images
        covered = binom.pmf(counts, images, truth)[(low <= truth) & (truth <= high)].sum()
        assert covered > 0.93, events


def test_a_share_of_0_or_1_is_not_certain() -> None:
    resamples = draw_resamples(200, 0)
    for values in (np.zeros(200), np.ones(200)):
        low, high = confidence_interval(mean_of(values), SHARE, resamples)
        assert 0 <= low <= values[0] <= high <= 1
        assert high - low == pytest.approx(0.019, abs=0.001)
    low, high = confidence_interval(mean_of(np.ones(200)), RANK, resamples)
    assert (low, high) == (1, pytest.approx(1 + 0.019 * 199, abs=0.1))


def test_images_that_are_all_alike_leave_room_for_others() -> None:
    low, high = confidence_interval(mean_of(np.full(200, 0.3)), SHARE, draw_resamples(200, 0))
    assert (low, high) == (pytest.approx(0.3 - 0.019 * 0.3, abs=1e-3), pytest.approx(0.3 + 0.019 * 0.7, abs=1e-3))
    statistics = uniqueness.METRIC.statistics(predictions([["a dog"]] * 200, [["a cat"]] * 200))
    _, intervals = values_and_intervals(statistics, draw_resamples(200, 0))
    assert intervals["unique_share"] == (pytest.approx(0.005, abs=1e-4), pytest.approx(0.024, abs=1e-3))


@given(st.lists(FINITE, min_size=2, max_size=30), st.sampled_from(["low", "high", "both", "none"]))
def test_intervals_contain_their_value_and_stay_on_scale(values: list[float], ends: str) -> None:
    resampled = np.array(values)
    low, high = (resampled.min() if ends in ("low", "both") else None), None
    high = resampled.max() if ends in ("high", "both") and resampled.max() > resampled.min() else None
    for value in values:
        first, last = score_interval(value, resampled, len(values), Scale(low, high))
        assert first <= value <= last
        assert low is None or low <= first
        assert high is None or last <= high


SHARES = st.lists(st.sampled_from([0.0, 0.2, 1.0]), min_size=5, max_size=5)


@given(SHARES, SHARES)
def test_intervals_of_differences_stay_on_scale(first: list[float], second: list[float]) -> None:
    resamples = draw_resamples(5, 0, 200)
    sides = [
        estimate(statistic.value(5), resamples.evaluate(statistic)[0], 5, SHARE)
        for statistic in (mean_of(np.array(first)), mean_of(np.array(second)))
    ]
    difference = sides[1].value - sides[0].value
    low, high = difference_interval(*sides)
    assert -1 - 1e-9 <= low <= difference <= high <= 1 + 1e-9
    mirrored = difference_interval(*reversed(sides))
    assert mirrored == (pytest.approx(-high), pytest.approx(-low))
    assert difference_interval(sides[0], sides[0]) == (0, 0)


@pytest.mark.parametrize("level", [0.02, 0.3, 0.9])
def test_runs_that_differ_little_have_a_short_interval(level: float) -> None:
    """The interval of a paired difference is as short as its standard error allows, wherever on the scale it is."""
    draw = np.random.default_rng(0)
    first = draw.beta(2 * level, 2 * (1 - level), 200)
    change = np.where(draw.random(200) < 0.2, draw.normal(0.03, 0.05, 200), 0)
    resamples = draw_resamples(200, 0)
    sides = [
        estimate(float(values.mean()), resamples.evaluate(mean_of(values))[0], 200, SHARE)
        for values in (first, np.clip(first + change, 0, 1))
    ]
    difference = np.clip(first + change, 0, 1) - first
    reach = 1.97 * difference.std(ddof=1) / sqrt(200)
    expected = difference.mean() - reach, difference.mean() + reach
    assert difference_interval(*sides) == pytest.approx(expected, abs=0.1 * reach)


def test_a_mirrored_scale_has_a_mirrored_interval() -> None:
    resampled = np.random.default_rng(0).gamma(1, 0.1, 100)
    low, high = score_interval(0.1, resampled, 50, Scale(0, None))
    assert score_interval(-0.1, -resampled, 50, Scale(None, 0)) == (-high, -low)
    plain = score_interval(0.1, resampled, 50, UNLIMITED)
    assert low > plain[0] and high > plain[1]


WORDS = st.lists(st.sampled_from(["a", "dog", "runs", "on", "one"]), max_size=5).map(" ".join)
IMAGES = st.tuples(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, min_size=1, max_size=2))
NO_MATCH, ALL_MATCH = [4.0] * 4 + [0.0] * 19, [4.0] * 4 + [0.0, 0.0, 4.0, 4.0] + [0.0] * 12 + [1.0, 4.0, 4.0]
"""METEOR's counts of a caption."""


def extreme_columns(captions: int, images: int, draw: np.random.Generator) -> dict[str, list]:
    """Columns of the metrics that run programs or read other files; all alike, or drawn from the ends of the scale."""
    ends = np.full(captions, draw.integers(0, 2)) if draw.random() < 0.5 else draw.integers(0, 2, captions)
    return {
        "METEOR": ends.tolist(),
        "meteor_statistics": [[NO_MATCH, ALL_MATCH][end] for end in ends],
        "SPICE": ends.tolist(),
        "novel": ends.tolist(),
        "frequency_bands": [[3 * end, 0, 1 - end] for end in ends],
        "rank": [1 + end * (images - 1) for end in ends],
        "tied": [1] * captions,
    }


@given(st.lists(IMAGES, min_size=2, max_size=6), st.integers(0, 99))
@settings(max_examples=25)
def test_intervals_of_all_metrics_stay_on_their_scales(corpus: list, seed: int) -> None:
    captions, references = (list(part) for part in zip(*corpus, strict=True))
    images, draw = len(corpus), np.random.default_rng(seed)
    similar = Context(similar_images=[[(image + 1) % images] for image in range(images)])
    given = predictions(captions, references, similar)
    given = given.with_columns(extreme_columns(len(given.captions), images, draw))
    for metric in (rouge_l, bleu, cider, cider_between, spider):
        given = given.with_columns(metric.METRIC.measure(given))
    resamples = draw_resamples(images, seed, 100)
    for metric in all_metrics():
        values, intervals = values_and_intervals(statistics_of(metric, given), resamples)
        for name, (first, last) in intervals.items():
            low, high = scale_of(name).ends(images)
            assert (-inf if low is None else low) <= first <= last <= (inf if high is None else high), name
            assert first <= values[name] <= last, name


def statistics_of(metric: Metric, given: Predictions) -> dict[str, Statistic]:
    """All statistics; ranks need a single caption of each image."""
    if metric is self_retrieval.METRIC:
        given = given.select(given.best_rows(given.column("rank")))
    return reported_statistics(metric, given)


def test_every_value_states_its_scale_as_in_the_docs() -> None:
    """The column Scale of docs/metrics.md, the end of the meaning, and the scale of the intervals are the same."""
    documented = {}
    for table in DOCS.read_text(encoding="utf-8").split("\n\n"):
        if table.startswith("| Value | Scale |"):
            cells = [line.split("|") for line in table.splitlines()]
            documented |= {
                name: scale.strip() for _, names, scale, *_ in cells for name in re.findall("`(.+?)`", names)
            }
    for info in (info for metric in all_metrics() for info in metric.values):
        name = re.sub("{k}|(?<=R@)[15]", "k", info.name)
        assert documented[name] == str(info.scale), info.name
        stated = info.meaning.rpartition("; ")[2].removesuffix(".")
        assert ";" not in info.meaning or stated == str(info.scale), info.name
