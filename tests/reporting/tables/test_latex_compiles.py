"""LaTeX tables compile, and fit the column or the page of a paper."""

import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from clcap_cli.metrics.registry import all_metrics
from clcap_cli.reporting.tables.intervals import Intervals
from clcap_cli.reporting.tables.latex import as_latex
from clcap_cli.reporting.tables.latex_sheet import FIT
from clcap_cli.reporting.tables.table import Table
from tests.reporting.tables.builders import HOSTILE, made_up_table

DOCUMENT = r"""\documentclass[%s]{article}
\usepackage{booktabs,graphicx}
%s
\begin{document}
%s
\end{document}
"""
EVERY_METRIC = [info.name.format(k=4) for metric in all_metrics() for info in metric.values]
CONFERENCE = r"\usepackage[textwidth=496pt,columnsep=22pt,textheight=640pt]{geometry}"
"""The page of two-column papers of many conferences."""
COMPILERS = {
    "pdflatex": ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
    "tectonic": ["tectonic", "--keep-logs", "paper.tex"],
}
INTERVALS: tuple[Intervals, ...] = ("none", "below", "pm")


def tables() -> list[Table]:
    models = ["Adaptive Attention, MLE", "Adaptive Attention, CL", "DPO (beyond the paper)"]
    return [
        *(made_up_table([f"nt_{number}" for number in range(count)]) for count in (1, 2, 3, 6)),
        made_up_table(models, spread="seeds"),
        made_up_table(["nt", "nt_cl"], ["CIDEr", "R@1", "BLEU-4"]),
        made_up_table(["nt", "nt_cl"], list(dict.fromkeys(EVERY_METRIC))),
        made_up_table(["nt", "nt_cl"], ["a_metric_of_somebody_else_with_a_name_" + "x" * 80, "CIDEr_best_of_5"]),
        made_up_table([f"run_{number}" for number in range(40)], ["R@1", "mean_rank"]),
        *(made_up_table(HOSTILE, metrics) for metrics in (("R@1", "CIDEr"), EVERY_METRIC[:9])),
    ]


def problems(folder: Path, text: str, options: str, preamble: str = "") -> list[str]:
    """What LaTeX complains about in the tables ``text`` in an article with these options."""
    compiler = next((command for name, command in COMPILERS.items() if shutil.which(name)), None)
    if compiler is None:
        pytest.skip("neither pdflatex nor tectonic here (Debian: apt-get install texlive-latex-recommended)")
    folder.mkdir()
    (folder / "paper.tex").write_text(DOCUMENT % (options, preamble, text))
    done = subprocess.run(compiler, cwd=folder, capture_output=True, text=True, errors="replace")
    log = (folder / "paper.log").read_text(errors="replace").splitlines()
    starts = ("!", "Overfull", "Missing character", "LaTeX Warning: Float too large", "LaTeX Warning: Label `")
    return [line for line in log if line.startswith(starts)] + ([done.stdout] if done.returncode else [])


def all_tables() -> str:
    texts = [
        as_latex([table], intervals).replace(r"\label{", rf"\label{{{number}-") + r"\clearpage"
        for number, (table, intervals) in enumerate(product(tables(), INTERVALS))
    ]
    return "\n".join(texts)


@pytest.mark.parametrize("options", ["10pt", "10pt,twocolumn"])
def test_tables_fit_an_article(tmp_path: Path, options: str) -> None:
    assert problems(tmp_path / "paper", all_tables(), options) == []


def test_tables_keep_their_size_on_the_page_of_a_conference(tmp_path: Path) -> None:
    unscaled = all_tables().replace(FIT, "{%")
    assert problems(tmp_path / "paper", unscaled, "10pt,twocolumn", CONFERENCE) == []


def test_overfull_lines_are_found(tmp_path: Path) -> None:
    wide = as_latex([made_up_table(["nt"])]).replace(FIT, "{%").replace("nt & ", "nt " + "x" * 100 + " & ")
    assert any(line.startswith("Overfull") for line in problems(tmp_path / "paper", wide, "10pt"))
