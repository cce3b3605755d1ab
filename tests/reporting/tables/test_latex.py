"""What LaTeX tables say: heads, captions, marks, intervals and breaks."""

import re
from dataclasses import replace

import pytest

from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.tables.columns import OF_PAPERS
from clcap_cli.reporting.tables.latex import as_latex
from clcap_cli.reporting.tables.latex_text import latex_text
from tests.reporting.tables.builders import made_up_table


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the first table."""
    lines = [line.removesuffix(r" \\") for line in text.split(r"\end{tabular}")[0].splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]


def test_a_table_of_a_column_has_caption_and_label() -> None:
    text = as_latex([made_up_table(["nt", "nt_cl"], ["R@1", "mean_rank"], title="Main")])
    assert text.startswith("% needs \\usepackage{booktabs,graphicx}\n\n\\begin{table}[t]\n\\centering\n")
    assert "\\label{tab:main}" in text and "\\end{table}\n" in text
    assert "\\caption{Main. Test split, 1,000 images. Bold: best value, significantly better than nt." in text
    assert "differs significantly from nt (paired bootstrap over images; $p<.05$ after Holm's correction)" in text
    assert rows(text)[0] == ["Run", r"R@1 $\uparrow$", r"Mean rank $\downarrow$"]


def test_many_metrics_stand_in_groups_on_the_page() -> None:
    text = as_latex([made_up_table(["nt", "nt_cl"])])
    assert r"\begin{table*}[t]" in text
    assert r"\multicolumn{4}{c}{Self-retrieval} & \multicolumn{5}{c}{Against the references} \\" in text
    assert r"\cmidrule(lr){2-5} \cmidrule(lr){6-10}" in text
    heads = [cell.split(" $")[0] for cell in rows(text)[1]]
    assert heads[-5:] == ["BLEU-4", "METEOR", r"ROUGE\_L", "CIDEr", "SPICE"]
    assert "CIDEr ranges from 0 to 10." in text


def test_long_names_of_runs_abbreviate_metrics() -> None:
    text = as_latex(
        [made_up_table(["Adaptive Attention, MLE", "Adaptive Attention with contrastive learning, seed 1"])]
    )
    assert "B-4, M, R-L, C, S: BLEU-4, METEOR, ROUGE\\_L, CIDEr, SPICE." in text
    assert rows(text)[1][-5:] == ["B-4", "M", "R-L", "C", "S"]


@pytest.mark.parametrize(
    ("intervals", "spread", "row"),
    [
        (None, "interval", ["nt", "0.950"]),
        ("none", "interval", ["nt", "0.950"]),
        ("pm", "interval", ["nt", r"0.950{\scriptsize $\pm$0.095}"]),
        (None, "seeds", ["nt", r"0.950{\scriptsize $\pm$0.106}"]),
        ("none", "seeds", ["nt", "0.950"]),
    ],
)
def test_intervals_beside_values(intervals, spread: str, row: list[str]) -> None:
    text = as_latex([made_up_table(["nt"], ["CIDEr"], spread)], intervals)
    value = next(cells for cells in rows(text) if cells[0] == "nt")
    assert [re.sub(r"\d", "0", cell) for cell in value] == [re.sub(r"\d", "0", cell) for cell in row]


def test_intervals_below_values() -> None:
    text = as_latex([made_up_table(["nt", "nt_cl"], ["CIDEr"])], "below")
    assert "[low, high]: 95\\% confidence interval over images." in text.replace("{[}", "[").replace("{]}", "]")
    assert [cells[0] for cells in rows(text)] == ["Run", "nt", "", r"nt\_cl", ""]
    assert all(r"{\scriptsize {[}" in cells[1] for cells in rows(text)[2::2])


def test_decimal_points_are_aligned() -> None:
    text = as_latex([made_up_table([f"run {number}" for number in range(20)], ["mean_rank"])])
    plain = [re.sub(r"\\textbf|\\rlap\{.*\}|\\phantom|[{}]", "", cells[1]) for cells in rows(text)[1:]]
    assert len({value.index(".") for value in plain}) == 1


def test_many_runs_are_several_tables() -> None:
    text = as_latex([made_up_table([f"run {number}" for number in range(120)], ["R@1"], title="Runs")])
    assert re.findall(r"\\label\{(.*)\}", text) == [f"tab:runs-part-{number}-of-4" for number in (1, 2, 3, 4)]
    assert all(f"run {number} &" in text for number in range(120))


def test_human_captions_stand_below_a_line() -> None:
    table = replace(made_up_table(["nt", "nt_cl", "people"], ["R@1"]), human=frozenset({"people"}))
    assert r"\midrule" + "\npeople & " in as_latex([table])


def test_rankings_by_several_models_are_one_table() -> None:
    recall, rank = metric_infos(["R@1", "mean_rank"])
    tables = [replace(made_up_table(["nt", "cl"], ["by nt", "by cl"]), metric=metric) for metric in (recall, rank)]
    text = as_latex([*tables, made_up_table(["nt", "cl"], ["CIDEr"])])
    assert r" & \multicolumn{2}{c}{R@1 $\uparrow$} & \multicolumn{2}{c}{Mean rank $\downarrow$} \\" in text
    assert text.count(r"\begin{table}") == 2


def test_equal_numbers_of_seeds_stand_in_the_caption() -> None:
    def latex(*names: str) -> str:
        table = made_up_table(names, ["R@1"], "seeds")
        return as_latex([replace(table, note="mean ± sample standard deviation over seeds")])

    text = latex("nt, 3 seeds", "cl, 3 seeds")
    assert "Mean $\\pm$ sample standard deviation over 3 seeds." in text and "differs significantly from nt (" in text
    assert [cells[0] for cells in rows(text)] == ["Run", "nt", "cl"]
    text = latex("nt, 3 seeds", "cl, 2 seeds")
    assert "over seeds." in text and "nt, 3 seeds &" in text


def test_captions_of_parts_explain_only_their_marks() -> None:
    table = made_up_table(
        ["nt", "cl"], ["R@1", *(f"BLEU-{n}" for n in range(1, 5)), "METEOR", "ROUGE_L", "CIDEr", "SPICE", "SPIDEr"]
    )
    rows = [
        (name, [cells[0], *(replace(cell, best=False, significant=False) for cell in cells[1:])])
        for name, cells in table.rows
    ]
    captions = re.findall(r"\\caption\{(.*)\}", as_latex([replace(table, rows=rows)], "below"))
    assert ["self-retrieval" in text for text in captions] == ["Bold" in text for text in captions]
    assert ["{*}" in text for text in captions] == ["Bold" in text for text in captions] == [True, False]


def test_labels_differ() -> None:
    text = as_latex([made_up_table(["nt"], ["R@1"])] * 3)
    assert re.findall(r"\\label\{(.*)\}", text) == ["tab:results", "tab:results-2", "tab:results-3"]


def test_any_name_is_text_in_latex() -> None:
    assert latex_text("50%_$x$ & #{}") == r"50\%\_\$x\$ \& \#\{\}"
    assert latex_text("a\\^~") == r"a\textbackslash{}\textasciicircum{}\textasciitilde{}"
    assert latex_text("é λ 名") == r"\'{e} $\lambda$ U+540D"
    assert latex_text("a--b [x] *") == r"a-{}-b {[}x{]} {*}"
    assert latex_text("a\nb\x1b") == r"a b\textbackslash{}x1b"


@pytest.mark.parametrize("names", [["MLE", "CL"], ["nt_{seed}", "nt_{seed}_cl"]])
def test_means_over_seeds_of_eight_metrics_are_one_table(names: list[str]) -> None:
    text = as_latex([made_up_table(names, OF_PAPERS[:-1], "seeds")])
    assert text.count(r"\begin{table*}") == 1 and "B-4, M" not in text


def test_a_single_metric_has_no_head_of_its_group() -> None:
    assert rows(as_latex([made_up_table(["nt", "cl"], ["R@1", "R@5", "CIDEr"])]))[0][0] == "Run"


def test_a_single_ranking_by_several_models_names_its_metric() -> None:
    (recall,) = metric_infos(["R@1"])
    table = replace(made_up_table(["nt", "cl"], ["by nt", "by cl"], title="R@1 of captions, by ranker"), metric=recall)
    assert r"\caption{R@1 of captions, by ranker. Test split" in as_latex([table])


def test_only_cider_has_a_sentence_on_its_scale() -> None:
    captions = [as_latex([made_up_table(["nt"], [name])]) for name in ("CIDEr", "CIDErBtw")]
    assert ["from 0 to 10" in text for text in captions] == [True, False]
