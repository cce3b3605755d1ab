"""Plots are reproducible and show names literally."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.reporting.plot import LineStyle, Series
from clcap_cli.reporting.plot_files import draw, save_plot
from clcap_cli.reporting.plots import COLOURS, all_plots, epoch_range
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


def test_the_same_input_gives_the_same_file(write, log, tmp_path: Path) -> None:
    for folder in ("first", "again"):
        (tmp_path / folder).mkdir()
        save_plot(all_plots(runs(write, log, "nt"))[0], tmp_path / folder)
    for kind in ("pdf", "png", "svg"):
        first, again = ((tmp_path / folder / f"recall.{kind}").read_bytes() for folder in ("first", "again"))
        assert first == again


def trained(write, log, name: str, losses: list[float], select_by: str | None = "loss") -> Run:
    """A run whose validation loss has the given values, from epoch 0 on."""
    log(f"{name}.log.jsonl", [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(losses)])
    card = {"role": "checkpoint", "id": "0" * 16, "stage": "train-mle", "settings": {"select_by": select_by}}
    (run,) = open_runs([write(f"{name}.metrics.json", [image(1, "a dog")], {"CIDEr": 1.0}, made_from=[card])])
    return run


def test_the_kept_epoch_is_that_of_the_checkpoint(write, log) -> None:
    (loss,) = all_plots([trained(write, log, "nt", [0.1, 3.0, 2.0, 2.0, 2.5])])
    assert loss.series[0].kept == (2, 2.0), "the first of the best epochs; the initial model is never kept"
    assert loss.description.endswith("validation from 0.100 to 2.500, kept epoch 2 with 2.000.")


@pytest.mark.parametrize("select_by", [None, "unknown", "cider"])
def test_without_its_criterion_no_epoch_is_kept(write, log, select_by) -> None:
    (loss,) = all_plots([trained(write, log, "nt", [3.0, 2.0], select_by)])
    assert loss.series[0].kept is None


@given(initial=st.floats(-1e6, 1e6), later=st.lists(st.floats(-100, 100), min_size=1, max_size=9))
def test_epoch_0_takes_at_most_half_of_the_axis(initial: float, later: list[float]) -> None:
    values = {float(epoch): value for epoch, value in enumerate([initial, *later])}
    low, high = epoch_range([Series("validation", values, LineStyle("#000000"))])
    assert low <= min(later) and high >= max(later)
    size = max(max(later) - min(later), *map(abs, later))
    assert high - low <= 2 * size * (1 + 1e-9)


def range_of(*values: float) -> tuple[float, float]:
    """The y axis of a line with these values from epoch 0 on."""
    return epoch_range([Series("validation", dict(enumerate(values)), LineStyle("#000000"))])


def test_a_trained_model_before_fine_tuning_is_on_the_axis() -> None:
    assert range_of(1.395, 1.420, 1.426) == (1.395, 1.426)
    assert range_of(0.0, 3.0, 3.2) == (0.0, 3.2)


def test_an_axis_does_not_magnify_noise() -> None:
    low, high = range_of(50.5, 50.495, 50.4975)
    assert low < 50.1 and high > 50.9


def test_the_colours_of_runs_contrast_with_both_papers() -> None:
    assert len(set(COLOURS)) == 10
    for colour in COLOURS:
        assert min(contrast(colour, paper) for paper in ("#fcfbf9", "#131417")) >= 3, colour


def contrast(*colours: str) -> float:
    """The ratio of the luminances of two colours, as WCAG defines it."""
    parts = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours]
    linear = [[((one + 0.055) / 1.055) ** 2.4 if one > 0.04 else one / 12.92 for one in part] for part in parts]
    dark, bright = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in linear)
    return (bright + 0.05) / (dark + 0.05)


def test_a_large_initial_loss_is_noted_at_the_edge(write, log, tmp_path: Path) -> None:
    (loss,) = all_plots([trained(write, log, "nt", [9.2, 3.0, 2.0])])
    assert loss.y_range == (2.0, 3.0)
    save_plot(loss, tmp_path)
    assert ">9.2<" in (tmp_path / "nt.loss.svg").read_text()
    assert [(x, y) for _, x, y in loss.outside(above=True)] == [(0, 9.2)] and not loss.outside(above=False)


def test_a_colour_stands_for_a_run(write, log) -> None:
    first, second = (trained(write, log, name, [3.0, 2.0]) for name in ("nt", "tf"))
    colours = [[series.style.colour for series in plot.series] for plot in all_plots([first, second])]
    assert colours == [["#2479BD"], ["#D55E00"]]


@pytest.mark.filterwarnings("error")
def test_long_names_leave_room_for_the_curves(write, log, tmp_path: Path) -> None:
    names = [f"a_name_that_tells_every_setting_of_its_run_{number}" for number in range(40)]
    save_plot(all_plots(runs(write, log, *names))[0], tmp_path)
    with Image.open(tmp_path / "recall.png") as drawn:
        assert drawn.width > 1.5 * 975


def test_names_are_not_rendered_as_formulas(write, log, tmp_path: Path) -> None:
    plots = all_plots(runs(write, log, "_hidden", "$\\frac{", "<b>&", "名🐕", "chance"))
    save_plot(plots[0], tmp_path)
    svg = (tmp_path / "recall.svg").read_text()
    for name in ("_hidden", "$\\frac{", "&lt;b&gt;&amp;", "名🐕", "chance"):
        assert f">{name}<" in svg


def test_plots_are_written_as_files_for_a_paper(write, log, tmp_path: Path) -> None:
    for plot in all_plots(runs(write, log, "nt", "nt_cl")):
        save_plot(plot, tmp_path)
    names = ("nt_cl.G", "nt_cl.loss", "recall")
    assert sorted(
        path.name for path in tmp_path.iterdir() if ".log" not in path.name and ".retrieval" not in path.name
    ) == [f"{name}.{kind}" for name in names for kind in ("pdf", "png", "svg")]
    with Image.open(tmp_path / "recall.png") as image_path:
        assert image_path.size == (975, 660), "the column of a paper"
        assert image_path.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_fonts_of_pdf_are_truetype(write, log, tmp_path: Path) -> None:
    save_plot(all_plots(runs(write, log, "nt", "名"))[0], tmp_path)
    content = (tmp_path / "recall.pdf").read_bytes()
    assert b"/CIDFontType2" in content and b"/Type3" not in content


def test_lines_differ_without_colours(write, log, tmp_path: Path) -> None:
    images = [image(id, "a dog", rank=id) for id in range(1, 4)]
    names = [f"nt_{number}" for number in range(7)]
    plot, *_ = all_plots(open_runs([write(f"{name}.retrieval.json", images) for name in names]))
    lines = draw(plot).axes[0].lines
    assert len({(line.get_linestyle(), line.get_linewidth()) for line in lines}) == len(lines) == 8


def test_runs_with_any_name_have_files_of_their_own(write, log, tmp_path: Path) -> None:
    plots = all_plots(runs(write, log, "日本", "中文", "nt é", "nt ü"))
    for plot in plots:
        save_plot(plot, tmp_path)
    assert len(list(tmp_path.glob("*.svg"))) == len(plots)
