"""p-values of the differences between two settings: over images, over seeds, and after Holm's correction."""

from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np

from clcap_cli.evaluation.differing_images import few_differing_images
from clcap_cli.evaluation.measured_setting import MeasuredSetting, all_statistics
from clcap_cli.metrics.bootstrap import p_value, varies
from clcap_cli.metrics.holm import holm_corrected
from clcap_cli.metrics.mcnemar import mcnemar_p_values
from clcap_cli.metrics.permutation_test import MIN_IMAGES, TOLERANCE, ImageEntries, sign_flip_p_values
from clcap_cli.metrics.predictions import predictions_from_entries
from clcap_cli.metrics.registry import info_of
from clcap_cli.metrics.score_interval import ROUNDING
from clcap_cli.metrics.seed_test import seed_test
from clcap_cli.metrics.statistic import Statistic


def image_p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float | None]:
    """The p-values of the shared values that have intervals, by the bootstrap, or by sign flips where it is invalid."""
    pairs = {
        name: (one.resampled, second.estimates[name].resampled)
        for name, one in first.estimates.items()
        if name in second.estimates
    }
    images = len(first.runs[0])
    if images < MIN_IMAGES:
        return dict.fromkeys(pairs)
    different = {name: other - one for name, (one, other) in pairs.items() if _differ(one, other)}
    p_values: dict[str, float] = {}
    for swapped, names in _names_by_swapped_images(first, second, different).items():
        p_values |= _sign_flip_p_values(first, second, names, swapped)
    p_values |= {name: p_value(values, images) for name, values in different.items() if name not in p_values}
    return {name: p_values.get(name, 1.0) for name in pairs}


def _names_by_swapped_images(
    first: MeasuredSetting, second: MeasuredSetting, different: Mapping[str, np.ndarray]
) -> dict[tuple[int, ...], list[str]]:
    """The values that sign flips test, by the images that they swap: few that differ, or all if the resamples agree."""
    found: dict[tuple[int, ...], list[str]] = {}
    for name, values in different.items():
        swapped = few_differing_images(first.runs, second.runs, name)
        if swapped is None and not varies(values):
            swapped = tuple(range(len(first.runs[0])))
        if swapped is not None:
            found.setdefault(swapped, []).append(name)
    return found


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether resampled values differ; BLEU's epsilons, which stand for 0, make no difference."""
    both_zero = max(np.abs(one).max(), np.abs(other).max()) < ROUNDING
    return not both_zero and bool(np.abs(other - one).max() > TOLERANCE)


def _sign_flip_p_values(
    first: MeasuredSetting, second: MeasuredSetting, names: Sequence[str], swapped: Sequence[int]
) -> dict[str, float]:
    def statistics_of(images: ImageEntries) -> dict[str, Statistic]:
        return all_statistics(predictions_from_entries(images, first.context))

    return sign_flip_p_values(first.runs, second.runs, names, swapped, statistics_of)


def primary_values(names: Iterable[str]) -> set[str]:
    """Those of the values ``names`` that are primary."""
    return {name for name in names if (info := info_of(name)) and info.primary}


def corrected_p_values(
    p_values: Sequence[Mapping[str, float | None]], primary: Container[str]
) -> list[dict[str, float]]:
    """The p-values of several comparisons after Holm's correction over all of them.

    The values ``primary`` of all comparisons are one family, and all others another.
    """
    tested = {(number, name): p for number, found in enumerate(p_values) for name, p in found.items() if p is not None}
    families = ({key: p for key, p in tested.items() if (key[1] in primary) == main} for main in (True, False))
    corrected = {key: p for family in families for key, p in holm_corrected(family).items()}
    return [
        {name: corrected[number, name] for name in found if (number, name) in corrected}
        for number, found in enumerate(p_values)
    ]


def seed_p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float | None]:
    """The p-values over seeds of all shared values; empty if a setting has a single run."""
    test = seed_test(first.seeds, second.seeds)
    if test is None:
        return {}
    return {
        name: test.p_value(values, second.values[name])
        for name, values in first.values.items()
        if name in second.values
    }


def single_run_mcnemar(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float]:
    """The p-values of R@k by McNemar's exact test; empty if a setting has several runs."""
    single = len(first.runs) == len(second.runs) == 1
    return mcnemar_p_values(first.runs[0], second.runs[0]) if single else {}
