"""Differences between two runs as a table that fits a terminal."""

from clcap_cli.evaluation.comparison import Difference
from clcap_cli.reporting.comparison import comparison_lines

NONE = (0.0, 0.0)
DIFFERENCES = [
    Difference("mean_rank", 23.16, 16.2475, NONE, (-9.87, -4.0), 0.0005),
    Difference("CIDEr", 1.18238, 1.31198, NONE, (0.0212, 0.2371), 0.016),
    Difference("vocabulary_share_of_references", 0.46154, 0.46154, (0.01, 0.012), (-0.01, 0.01), 1.0),
]


def test_a_row_for_each_metric_fits_in_80_columns() -> None:
    lines = comparison_lines(DIFFERENCES, images=200)
    assert lines == [
        "                                first second  change  95% interval          p",
        "mean_rank                       23.16  16.25   -6.91  [-9.87, -4.00]   <0.001 *",
        "CIDEr                           1.182  1.312  +0.130  [+0.021, +0.237]  0.016 *",
        "vocabulary_share_of_references  0.462  0.462  +0.000  [-0.010, +0.010]  1.000",
        "  standard deviation over seeds: 0.010 and 0.012",
        "* significant: p < 0.05",
    ]
    assert max(map(len, lines)) <= 80


def test_few_images_have_no_p_values() -> None:
    lines = comparison_lines([Difference("CIDEr", 1.0, 2.0, NONE, (0.5, 1.5), None)], images=5)
    assert lines[1].split()[-1] == "-"
    assert lines[2:] == ["no p-values: with 5 images nothing can be significant; at least 6 are needed"]


def test_equal_runs_are_said_to_be_equal() -> None:
    lines = comparison_lines([Difference("CIDEr", 1.0, 1.0, NONE, NONE, 1.0)], images=50)
    assert lines[2:] == ["no difference: every value is the same in every resample"]
