"""What the legend of a table says about its marks."""

from dataclasses import replace

import pytest

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.tables.columns import joined
from clcap_cli.reporting.tables.latex import as_latex
from clcap_cli.reporting.tables.legend import legend
from clcap_cli.reporting.tables.markdown import as_markdown
from clcap_cli.reporting.tables.table import Cell, Table, build_table, run_tables
from tests.reporting.conftest import image, write

__all__ = ["write"]

IDS = {"nt": (1, 2), "cl": (2, 3, 4), "nt_2": (1, 2)}.items()
IMAGES, SEEDS = "paired bootstrap over images", "paired t-test over 3 seeds"
NT = Cell(0.1, "0.100", "", best=False)


def table(**rows: Cell) -> Table:
    """A table of R@1, in which nt is the baseline."""
    (metric,) = metric_infos(["R@1"])
    found = build_table("Results", "run", ["nt", *rows], {metric: [NT, *rows.values()]})
    return replace(found, baseline="nt")


def with_test(test: str, best: bool = False, significant: bool = True) -> Cell:
    return Cell(0.2, "0.200", "", best, significant, test)


def test_the_star_names_its_test() -> None:
    assert legend([table(cl=with_test(IMAGES))]) == [
        f"* differs significantly from nt ({IMAGES}; p < .05 after Holm's correction)."
    ]


def test_rows_with_different_tests_are_named() -> None:
    (star,) = legend([table(a=with_test(IMAGES), b=with_test(SEEDS), c=with_test(SEEDS, significant=False))])
    assert f"(a: {IMAGES}; b, c: {SEEDS}; p < .05 after Holm's correction)" in star


def test_bold_says_better_than_what() -> None:
    bold, _ = legend([table(cl=with_test(IMAGES, best=True))])
    assert bold == "Bold: best value, significantly better than nt."
    best_baseline = replace(table(cl=with_test(IMAGES)), rows=[("nt", [replace(NT, best=True)])])
    assert legend([best_baseline]) == ["Bold: best value, significantly better than all others."]
    both = replace(best_baseline, rows=[*best_baseline.rows, ("cl", [with_test(IMAGES, best=True)])])
    assert legend([both])[0] == "Bold: best value, significantly better than nt or, for nt, than all others."


def test_rows_that_were_not_compared_are_named_beside_marks() -> None:
    found = table(cl=with_test(IMAGES), copy=Cell(0.2, "0.200", "", best=False))
    assert legend([found])[-1] == "Not compared: copy."
    assert "Not compared: copy." in as_latex([found])
    assert legend([table(copy=Cell(0.2, "0.200", "", best=False))]) == []


@pytest.mark.parametrize("form", [as_latex, as_markdown])
def test_values_evaluated_differently_have_a_dagger(form) -> None:
    apart = Cell(0.3, "0.300", "", best=False, evaluated="pool 200 and 50")
    text = form([table(p50=apart, q50=apart)])
    assert "evaluated differently from nt, so not comparable with it: p50, q50 (pool 200 and 50)." in text
    assert r"0.300\rlap{$^{\dagger}$}" in text or "0.300†" in text


def test_a_row_of_several_tables_is_named_once() -> None:
    apart = Cell(0.3, "0.300", "", best=False, evaluated="pool 200 and 50")
    found = table(p50=apart)
    other = table(p50=replace(apart, evaluated=""))
    assert [text.count("p50 (pool 200 and 50)") for text in legend([found, found, other])] == [1]


def test_the_legend_says_that_runs_are_of_different_images(write) -> None:
    files = [write(f"{name}.metrics.json", [image(id, "a dog") for id in ids], {"CIDEr": 1.0}) for name, ids in IDS]
    tables = run_tables(open_runs(files))
    assert legend(tables) == ["Rows of different images are not comparable: nt, nt_2 (2 images); cl (3 images)."]
    assert r"not comparable: nt, nt\_2 (2 images); cl (3 images)." in as_latex([joined(tables)])
