"""Metrics of one file as a table that fits a terminal."""

from clcap_cli.reporting.summary import summary

VALUES = {"CIDEr": 1.3119, "images": 200, "unique_captions": 31, "words_rarer": 0.5, "mean_rank": 16.2475, "own": 2.0}
INTERVALS = {"CIDEr": (1.19, 1.4353), "mean_rank": (14.13, 18.63)}


def test_main_values_stand_under_their_headings() -> None:
    assert summary(VALUES, INTERVALS) == [
        "                        value    95% interval",
        "Self-retrieval",
        "  mean_rank             16.25  [14.13, 18.63]",
        "Against the references",
        "  CIDEr                 1.312  [1.190, 1.435]",
        "Distinctiveness",
        "  unique_captions          31",
        "Other metrics",
        "  own                   2.000",
    ]


def test_chance_has_a_column_where_it_is_known() -> None:
    lines = summary({"R@1": 0.1, "mean_rank": 16.2475, "unique_captions": 3}, {}, {"R@1": 0.005, "mean_rank": 100.5})
    assert [line.split() for line in lines] == [
        ["value", "chance"],
        ["Self-retrieval"],
        ["R@1", "0.100", "0.005"],
        ["mean_rank", "16.25", "100.50"],
        ["Distinctiveness"],
        ["unique_captions", "3"],
    ]
