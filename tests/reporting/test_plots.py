"""Plots are reproducible and show names literally."""

import re
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.reporting.plot_style import INK, save_plot
from clcap_cli.reporting.plots import all_plots
from tests.reporting.conftest import image

EPOCHS = [
    {"epoch": 0, "val_loss": 1.4, "val_log_ratio_matched": 0.0, "val_log_ratio_mismatched": 0.0},
    {
        "epoch": 1,
        "loss": 1.2,
        "val_loss": 1.1,
        "log_ratio_matched": 0.1,
        "log_ratio_mismatched": -1.0,
        "val_log_ratio_mismatched": -0.5,
    },
]


def runs(write, log, *names: str) -> list[Run]:
    images = [image(id, "a dog", rank=id) for id in range(1, 31)]
    log(f"{names[-1]}.log.jsonl", EPOCHS)
    return open_runs([write(f"{name}.retrieval.json", images) for name in names])


def test_plots_have_descriptions(write, log) -> None:
    recall, loss, contrast = all_plots(runs(write, log, "nt", "nt_cl"))
    assert recall.description.startswith("R@k over k: nt R@1 0.033, R@2 0.067, ")
    assert recall.columns == ["k", "nt", "nt_cl", "chance"]
    assert recall.rows[-1] == [30, 1.0, 1.0, 1.0]
    assert loss.description == "nt_cl: loss by epoch: training from 1.200 to 1.200; validation from 1.400 to 1.100."
    assert loss.rows == [[0, None, 1.4], [1, 1.2, 1.1]]
    assert contrast.columns[1:] == [
        "matched, training", "matched, validation", "mismatched, training", "mismatched, validation",
    ]  # fmt: skip


def test_validation_curves_of_runs_share_a_plot(write, log) -> None:
    for name, last in (("nt_cl", 0.9), ("nt_il", 0.5)):
        log(f"{name}.log.jsonl", [{"epoch": epoch, "val_CIDEr": value} for epoch, value in enumerate((0.8, last))])
    images = [image(id, "a dog", rank=id) for id in range(1, 4)]
    actual = open_runs([write(f"{name}.retrieval.json", images) for name in ("nt", "nt_cl", "nt_il")])
    _, cider = all_plots(actual)
    assert cider.columns == ["epoch", "nt_cl", "nt_il"]
    assert cider.rows == [[0, 0.8, 0.8], [1, 0.9, 0.5]]
    assert "nt_cl from 0.800 to 0.900; nt_il from 0.800 to 0.500" in cider.description


def test_the_same_input_gives_the_same_plot(write, log) -> None:
    first, again = (all_plots(runs(write, log, "nt"))[0].svg() for _ in range(2))
    assert first == again
    assert first.startswith("<svg")
    assert INK not in first and "currentColor" in first
    assert not re.match(r"<svg[^>]*(width|height)=", first)


def test_plots_have_different_ids(write, log) -> None:
    plots = [plot.svg() for plot in all_plots(runs(write, log, "nt", "nt_cl"))]
    ids = [id for svg in plots for id in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    used = {id for svg in plots for id in re.findall(r'(?:href="|url\()#([^")]+)', svg)}
    assert used <= set(ids)


@pytest.mark.filterwarnings("error")
def test_long_names_leave_room_for_the_curves(write, log) -> None:
    names = [f"a_name_that_tells_every_setting_of_its_run_{number}" for number in range(40)]
    assert all_plots(runs(write, log, *names))[0].svg()


def test_names_are_not_rendered_as_formulas(write, log) -> None:
    plots = all_plots(runs(write, log, "_hidden", "$\\frac{", "<b>&", "名🐕", "chance"))
    svg = plots[0].svg()
    for name in ("_hidden", "$\\frac{", "&lt;b&gt;&amp;", "名🐕", "chance"):
        assert f">{name}<" in svg


def test_plots_are_written_as_files_for_a_paper(write, log, tmp_path: Path) -> None:
    for plot in all_plots(runs(write, log, "nt", "nt_cl")):
        save_plot(plot, tmp_path)
    names = ("nt_cl.G", "nt_cl.loss", "recall")
    assert sorted(path.name for path in tmp_path.glob("*.[ps][nv]g")) == [
        f"{name}.{kind}" for name in names for kind in ("png", "svg")
    ]
    with Image.open(tmp_path / "recall.png") as image_path:
        assert image_path.size == (1080, 700)
        assert image_path.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_runs_with_any_name_have_files_of_their_own(write, log, tmp_path: Path) -> None:
    plots = all_plots(runs(write, log, "日本", "中文", "nt é", "nt ü"))
    for plot in plots:
        save_plot(plot, tmp_path)
    assert len(list(tmp_path.glob("*.svg"))) == len(plots)
