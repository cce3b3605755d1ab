"""Differences from a baseline as LaTeX."""

from pathlib import Path

from clcap_cli.reporting.tables.comparison_latex import comparisons_as_latex
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
    text = comparisons_as_latex([comparison(METRICS)], "test split, 200 images")
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
            r"\textless{}0.001",
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
    assert "p: test over images after Holm's correction, {*}~$p<.05$." in text


def test_p_is_over_seeds_where_there_are_several() -> None:
    one = difference(1.1, 1.2, (0.02, 0.2), p_images_holm=0.004, p_seeds=0.04, p_seeds_holm=0.08)
    text = comparisons_as_latex([comparison({"CIDEr": one}, PAIRED)], "")
    assert rows(text)[1][-1] == "0.080"
    assert "p: test over seeds after Holm's correction." in text and "*" not in text.split("tabular")[1]


def test_comparisons_compile(tmp_path: Path) -> None:
    compared = [comparison(METRICS, first=HOSTILE[0], second=name) for name in HOSTILE]
    text = comparisons_as_latex(compared, "test split, 200 images")
    for options in ("10pt", "10pt,twocolumn"):
        assert problems(tmp_path / options, text, options) == []
