"""The differences between settings, each with one run or with runs of several seeds, and their significance."""

from collections.abc import Container, Mapping, Sequence

from clcap_cli.artifacts.comparisons import MetricDifference, Verdict
from clcap_cli.evaluation.measured_setting import MeasuredSetting
from clcap_cli.evaluation.significance import (
    corrected_p_values,
    image_p_values,
    primary_values,
    seed_p_values,
    single_run_mcnemar,
)
from clcap_cli.metrics.bootstrap import Interval, difference_interval

SIGNIFICANCE_LEVEL = 0.05
PValues = Mapping[str, float | None]
"""p-values by the name of the value; None where there is no test."""


def shared_values(first: MeasuredSetting, second: MeasuredSetting) -> list[str]:
    """The names of the values that both settings have."""
    return [name for name in first.values if name in second.values]


def compare_settings(
    baseline: MeasuredSetting, others: Sequence[MeasuredSetting], not_comparable: Sequence[Container[str]] = ()
) -> list[dict[str, MetricDifference]]:
    """The differences of each other setting from the baseline, in all values that both have.

    ``not_comparable`` are the values of each other setting that are not tested. Over images: the paired bootstrap
    (Koehn 2004) of the means over runs, and McNemar's test of R@k for one run a side. Over seeds: a t-test of the runs'
    values. Holm's correction counts the tests of all settings.
    """
    apart = not_comparable or [()] * len(others)
    tests = [_tests(baseline, other, names) for other, names in zip(others, apart, strict=True)]
    primary = primary_values(baseline.values)
    for test in ("p_images", "p_seeds"):
        for own, corrected in zip(tests, corrected_p_values([own[test] for own in tests], primary), strict=True):
            own[f"{test}_holm"] = corrected
    return [
        {
            name: _difference(name, baseline, other, own, comparable=name not in names)
            for name in shared_values(baseline, other)
        }
        for other, own, names in zip(others, tests, apart, strict=True)
    ]


def _tests(baseline: MeasuredSetting, other: MeasuredSetting, not_comparable: Container[str]) -> dict[str, PValues]:
    """The p-values of all tests, by the name of the test's field."""
    names = [name for name in shared_values(baseline, other) if name not in not_comparable]
    first, second = baseline.only(names), other.only(names)
    return {
        "p_images": image_p_values(first, second),
        "p_seeds": seed_p_values(first, second),
        "p_mcnemar": {name: p for name, p in single_run_mcnemar(first, second).items() if name in names},
    }


def _difference(
    name: str, baseline: MeasuredSetting, other: MeasuredSetting, tests: Mapping[str, PValues], comparable: bool
) -> MetricDifference:
    difference = MetricDifference(
        first=baseline.mean(name),
        second=other.mean(name),
        difference=other.mean(name) - baseline.mean(name),
        spreads=(baseline.spread(name), other.spread(name)),
        primary=bool(primary_values([name])),
        interval=_interval(baseline, other, name) if comparable else None,
        verdict="not comparable",
        **{test: p_values.get(name) for test, p_values in tests.items()},
    )
    verdict = _verdict(difference, name in tests["p_seeds"])
    return difference.model_copy(update={"verdict": verdict} if comparable else {})


def _interval(first: MeasuredSetting, second: MeasuredSetting, name: str) -> Interval | None:
    estimates = [setting.estimates[name] for setting in (first, second) if name in setting.estimates]
    return difference_interval(*estimates) if len(estimates) == 2 else None


def _verdict(found: MetricDifference, over_seeds: bool) -> Verdict:
    """The verdict by the test over seeds if there is one, else over images."""
    if found.difference == 0 and found.interval == (0, 0):
        return "same"
    p = found.decisive_p(over_seeds)
    if p is None:
        return _reason_without_p(found, over_seeds)
    if p >= SIGNIFICANCE_LEVEL:
        return "not significant"
    return "higher" if found.difference > 0 else "lower"


def _reason_without_p(found: MetricDifference, over_seeds: bool) -> Verdict:
    if over_seeds:
        return "same for all seeds"
    return "not tested" if found.interval is None else "too few images"
