"""The simulations behind the tables of docs/metrics.md run, on a population of a few images."""

import numpy as np
import pytest

from clcap_cli.metrics import bleu, mbleu, rouge_l
from tests.benchmarks import false_positives, interval_coverage
from tests.benchmarks.coco_sample import WEAK_RANKER, Population
from tests.metrics.builders import predictions

IMAGES, SAMPLE, SAMPLES = 60, 30, 4


def tiny_population(captions_per_image: int) -> Population:
    draw = np.random.default_rng(0)
    texts = [[" ".join(draw.choice(list("abcdefgh"), 5)) for _ in range(captions_per_image + 2)] for _ in range(IMAGES)]
    given = predictions(*([group[part] for group in texts] for part in (slice(2, None), slice(2))))
    given = given.with_columns(bleu.METRIC.measure(given) | rouge_l.METRIC.measure(given))
    counts = {bleu._counts: bleu._counts(given)}
    if captions_per_image > 1:
        counts[mbleu.mutual_bleu_statistics] = mbleu.mutual_bleu_statistics(given)
    return Population(given, counts)


@pytest.mark.parametrize(
    ("captions", "names"),
    [
        (1, {"R@1", f"R@1{WEAK_RANKER}", "BLEU-4", "CIDEr", "CIDErBtw", "distinct_1"}),
        (2, {"CIDEr_best_of_2", "mBLEU-4"}),
    ],
)
def test_every_sample_has_an_interval_of_each_value(captions: int, names: set[str]) -> None:
    found = interval_coverage.measure(tiny_population(captions), SAMPLE, SAMPLES)
    assert names <= set(found)
    for intervals in found.values():
        assert len(intervals.ends) == SAMPLES
        coverage, too_low, too_high = (float(cell.split()[0]) for cell in intervals.cells()[1:4])
        assert coverage + too_low + too_high == pytest.approx(1)


def test_systems_that_do_not_differ_have_p_values() -> None:
    found = false_positives.measure(tiny_population(2), SAMPLE, SAMPLES)
    assert {"R@1", "BLEU-4", "CIDEr", "unique_share"} <= set(found)
    for pairs in found.values():
        assert len(pairs) == SAMPLES
        assert all(0 < p <= 1 for p, _ in pairs)
