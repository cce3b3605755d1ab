"""Differences between two settings as a table that fits a terminal."""

from typing import Any

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference, RunDifferences
from clcap_cli.reporting.comparison import comparison_lines, legend_lines, note_lines

NONE = (0.0, 0.0)
PAIRED = "paired t-test over 3 seeds"


def difference(first: float, second: float, interval: tuple[float, float] | None, **more: Any) -> MetricDifference:
    fields = {"spreads": NONE, "p_images": 0.5, "p_images_holm": 0.5, "verdict": "not significant", **more}
    return MetricDifference(first=first, second=second, difference=second - first, interval=interval, **fields)


def comparison(metrics: dict[str, MetricDifference], test: str | None = None, **more: Any) -> Comparison:
    names = {"first": "nt", "second": "nt_cl", **more}
    return Comparison(
        **names, seed_test=test, metrics=metrics, run_differences=RunDifferences(evaluation=[], made_from=[])
    )


def test_the_table_of_single_runs_fits_in_80_columns() -> None:
    metrics = {
        "ROUGE_L": difference(0.46154, 0.46154, (-0.01, 0.01), p_images=1.0, p_images_holm=1.0),
        "R@1": difference(
            0.02,
            0.06,
            (0.01, 0.09),
            primary=True,
            p_images=0.02,
            p_images_holm=0.04,
            p_mcnemar=0.125,
            verdict="higher",
        ),
        "mean_rank": difference(
            23.16, 16.2475, (-9.87, -4.0), primary=True, p_images=0.0005, p_images_holm=0.001, verdict="lower"
        ),
        "vocabulary_share_of_references": difference(0.46154, 0.46154, None, p_images=None, p_images_holm=None),
    }
    found = comparison(metrics)
    lines = [*comparison_lines(found), *legend_lines([found]), *note_lines(found, 200, (1, 1))]
    assert lines == [
        "                       nt       nt_cl  change 95% interval           p    Holm",
        "primary metrics, chosen beforehand",
        "R@1                 0.020       0.060  +0.040 [+0.010, +0.090]   0.020   0.040 *",
        "  McNemar                                                        0.125",
        "mean_rank           23.16       16.25   -6.91 [-9.87, -4.00]   < 0.001   0.001 *",
        "other metrics                           nt       nt_cl  change    Holm",
        "ROUGE_L                              0.462       0.462  +0.000   1.000",
        "vocabulary_share_of_references       0.462       0.462  +0.000       -",
        "p over images: would the difference hold on other images, with these models?",
        "It is about these models, not about the method: give several seeds of both.",
        "Holm: p corrected for the number of metrics, primary metrics separately",
        "* significant: Holm's p over images < 0.05",
        "no interval and no p over images, because resampling images gives no valid ones:",
        "  vocabulary_share_of_references",
    ]
    assert max(map(len, lines)) <= 80


def test_several_seeds_have_rows_of_their_own() -> None:
    seeds = {"spreads": (0.01, 0.012), "p_images": 0.002, "p_images_holm": 0.004}
    metrics = {
        "CIDEr": difference(1.1, 1.2, (0.02, 0.2), primary=True, **seeds, p_seeds=0.04, p_seeds_holm=0.08),
        "mean_length": difference(5.0, 6.0, (0.02, 0.2), **seeds, p_seeds=0.01, p_seeds_holm=0.02, verdict="higher"),
        "ROUGE_L": difference(0.1, 0.2, (0.02, 0.2), **seeds, verdict="same for all seeds"),
    }
    found = comparison(metrics, PAIRED, first="nt_{seed}, 3 seeds", second="nt_{seed}_cl, 3 seeds")
    assert [*comparison_lines(found), *legend_lines([found]), *note_lines(found, 200, (3, 3))] == [
        "                     nt_#     nt_#_cl  change 95% interval           p    Holm",
        "primary metrics, chosen beforehand",
        "CIDEr               1.100       1.200  +0.100 [+0.020, +0.200]   0.002   0.004",
        "  over seeds       ±0.010      ±0.012                            0.040   0.080",
        "other metrics                         nt_#     nt_#_cl  change    Holm",
        "mean_length                           5.00        6.00   +1.00   0.020 *",
        "ROUGE_L                              0.100       0.200  +0.100       -",
        "p over images: would the difference hold on other images, with these models?",
        "p over seeds: would the difference hold with other seeds, on these images?",
        "  paired t-test over 3 seeds",
        "Holm: p corrected for the number of metrics, primary metrics separately",
        "  of other metrics, p over seeds",
        "±: sample standard deviation over seeds",
        "* significant: Holm's p over seeds < 0.05",
        "no p over seeds, because the difference is the same for all seeds: ROUGE_L",
    ]


def test_seeds_of_only_one_setting_have_a_spread_without_p() -> None:
    metrics = {"CIDEr": difference(1.0, 2.0, (0.5, 1.5), primary=True, spreads=(0.01, 0.0))}
    found = comparison(metrics, first="nt_{seed}, 2 seeds")
    assert comparison_lines(found)[-1] == "  over seeds       ±0.010"
    assert "It is about these models, not about the method: give several seeds of both." in legend_lines([found])
    assert note_lines(found, 200, (2, 1)) == ["no p over seeds: nt_cl has one run"]


def test_mcnemar_is_shown_only_where_it_differs() -> None:
    def rows(p_images: float, p_mcnemar: float) -> int:
        one = difference(0.1, 0.2, (0.01, 0.2), primary=True, p_images=p_images, p_mcnemar=p_mcnemar)
        return sum("McNemar" in line for line in comparison_lines(comparison({"R@1": one})))

    assert (rows(0.2, 0.3), rows(0.04, 0.06), rows(0.2, 0.45), rows(0.0005, 0.0001)) == (0, 1, 1, 0)


def test_few_images_have_no_p_values() -> None:
    few = difference(1.0, 2.0, (0.5, 1.5), primary=True, p_images=None, p_images_holm=None, verdict="too few images")
    found = comparison({"CIDEr": few})
    assert comparison_lines(found)[-1].split()[-2:] == ["-", "-"]
    assert legend_lines([found]) == []
    assert note_lines(found, 5, (1, 1)) == [
        "no p over images: with 5, nothing can be significant; at least 6 are needed"
    ]


def test_equal_runs_are_said_to_be_equal() -> None:
    found = comparison({"CIDEr": difference(1.0, 1.0, NONE, p_images=1.0, p_images_holm=1.0, verdict="same")})
    assert note_lines(found, 50, (1, 1)) == ["no difference: every value is the same in every resample"]


def test_each_value_without_p_has_a_reason() -> None:
    few = {"p_images": None, "p_images_holm": None}
    metrics = {
        "CIDEr": difference(1.0, 2.0, (0.5, 1.5), **few, p_seeds=0.02, p_seeds_holm=0.02),
        "unique_share": difference(1.0, 1.0, NONE, **few),
        "vocabulary_used": difference(5, 6, None, **few, p_seeds=0.2, p_seeds_holm=0.2),
    }
    assert note_lines(comparison(metrics, "Welch's t-test over 3 and 2 seeds"), 5, (3, 2)) == [
        "no interval and no p over images, because resampling images gives no valid ones:",
        "  vocabulary_used",
        "no p over images: with 5, nothing can be significant; at least 6 are needed",
        "no p over seeds, because the values are the same for all seeds: unique_share",
    ]


def test_values_that_are_not_comparable_stand_apart() -> None:
    same = difference(1.0, 1.0, NONE, p_images=1.0, p_images_holm=1.0, verdict="same")
    untested = {"p_images": None, "p_images_holm": None, "primary": True, "verdict": "not comparable"}
    found = comparison({"R@1": difference(0.1, 0.2, None, **untested), "CIDEr": same})
    assert comparison_lines(found)[-2:] == [
        "not comparable, see below",
        "R@1                                  0.100       0.200",
    ]
    assert note_lines(found, 50, (1, 1)) == ["no difference: every comparable value is the same in every resample"]


def test_counts_have_no_decimal_places_in_single_runs() -> None:
    def row(**more: Any) -> list[str]:
        untested = {"p_images": None, "p_images_holm": None, "verdict": "not tested"}
        found = comparison({"vocabulary_used": difference(24.0, 27.0, None, **untested, **more)})
        return comparison_lines(found)[1].split()

    assert row() == ["vocabulary_used", "24", "27", "+3", "-"]
    assert row(spreads=(1.0, 0.0)) == ["vocabulary_used", "24.0", "27.0", "+3.0", "-"]
