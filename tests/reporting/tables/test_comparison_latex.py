"""Differences from a baseline as LaTeX."""

from pathlib import Path

from clcap_cli.artifacts.comparisons import RunDifferences
from clcap_cli.reporting.marks import BOOTSTRAP
from clcap_cli.reporting.tables.comparison_latex import comparisons_as_latex
from clcap_cli.reporting.tables.comparison_markdown import comparisons_as_markdown
from tests.reporting.tables.builders import HOSTILE
from tests.reporting.tables.test_latex import rows
from tests.reporting.tables.test_latex_compiles import problems
from tests.reporting.test_comparison import PAIRED, comparison, difference

METRICS = {
    "ROUGE_L": difference(0.46154, 0.46154, (-0.01, 0.01), p_images=1.0, p_images_holm=1.0),
    "mean_length": difference(5.0, 6.0, (0.02, 0.2)),
    "mean_rank": difference(
        23.16, 6.2475, (-19.87, -4.0), primary=True, p_images=0.0005, p_images_holm=0.0009, verdict="lower"
    ),
    "R@1": difference(0.02, 0.06, (0.01, 0.09), primary=True, p_images_holm=0.14),
}


def test_differences_with_stars_where_significant() -> None:
    text = comparisons_as_latex([comparison(METRICS)], "test split, 200 images", 200)
    assert rows(text) == [
        ["Metric", "nt", r"nt\_cl", "Difference", r"95\% interval", "p"],
        [
            r"R@1 $\uparrow$",
            r"\phantom{0}0.020",
            "0.060",
            r"\phantom{0}+0.040",
            r"\phantom{0}{[}+0.010, +0.090{]}",
            "0.140",
        ],
        [
            r"Mean rank $\downarrow$",
            "23.16",
            "6.25",
            r"$-$16.91\rlap{$^{*}$}",
            "{[}$-$19.87, $-$4.00{]}",
            r"$<$ 0.001",
        ],
        [
            r"ROUGE\_L $\uparrow$",
            r"\phantom{0}0.462",
            "0.462",
            r"\phantom{0}+0.000",
            r"\phantom{0}{[}$-$0.010, +0.010{]}",
            "1.000",
        ],
    ]
    assert "\\caption{nt\\_cl compared with nt. Test split, 200 images." in text
    assert f"p: {BOOTSTRAP}, after Holm's correction, which counts" in text and "{*}~$p<.05$." in text
    assert "sign-flip test over images" in comparisons_as_latex([comparison(METRICS)], "", 49)


def test_p_is_over_seeds_where_there_are_several() -> None:
    one = difference(1.1, 1.2, (0.02, 0.2), p_images_holm=0.004, p_seeds=0.04, p_seeds_holm=0.08)
    text = comparisons_as_latex([comparison({"CIDEr": one}, PAIRED)], "", 200)
    assert rows(text)[1][-1] == "0.080"
    assert "p: paired t-test over 3 seeds, after Holm's correction, " in text and "*" not in text.split("tabular")[1]


def test_means_over_seeds_have_their_deviations() -> None:
    one = difference(1.1, 1.2, (0.02, 0.2), spreads=(0.031, 0.0))
    text = comparisons_as_latex([comparison({"CIDEr": one}, PAIRED)], "", 200)
    assert rows(text)[1][1:3] == [r"1.100{\scriptsize $\pm$0.031}", r"1.200{\scriptsize $\pm$0.000}"]
    assert "$\\pm$: sample standard deviation over seeds." in text


def test_differences_that_are_not_comparable_are_left_out() -> None:
    one = difference(0.3, 0.1, None, verdict="not comparable", p_images=None, p_images_holm=None)
    apart = RunDifferences(evaluation=["R@1: pool 50 and 200"], made_from=[])
    compared = comparison({"R@1": one}).model_copy(update={"run_differences": apart})
    text = comparisons_as_latex([compared], "", 50)
    assert rows(text)[1][3:] == [r"--\rlap{$^{\dagger}$}", "-", "-"]
    assert r"$\dagger$~evaluated differently, so not comparable: R@1 (pool 50 and 200)." in text
    markdown = comparisons_as_markdown([compared])
    assert "| 0.300 | 0.100 | - | - | - | - | not comparable |" in markdown and "differs significantly" not in markdown


def test_comparisons_compile(tmp_path: Path) -> None:
    compared = [comparison(METRICS, first=HOSTILE[0], second=name) for name in HOSTILE]
    text = comparisons_as_latex(compared, "test split, 200 images", 200)
    for options in ("10pt", "10pt,twocolumn"):
        assert problems(tmp_path / options, text, options) == []
