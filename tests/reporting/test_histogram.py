"""The bars of the histogram, in a real browser."""

from clcap_cli.evaluation.runs import open_runs
from tests.reporting.conftest import image
from tests.reporting.test_explore import Opened
from tests.reporting.test_page import page_of


def test_bars_of_tied_ranks_select_all_of_their_images(opened: Opened, write) -> None:
    ranks = [1.5, 1.5, 3, 4.5, 4.5, 7]
    images = [image(id, "a dog", rank=rank) for id, rank in enumerate(ranks)]
    page = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    limits = """
    const axis = axisOf("rank.after");
    return rangeOfBins(axis, binsOf(axis, [1, 9]), [...arguments]);
    """
    assert page.execute_script(limits, 1.2, 1.3) == [1, 1.5]
    assert page.execute_script(limits, 5, 5.1) == [4, 7.5]


def test_unchanged_images_are_in_a_bar_centred_on_0(opened: Opened, write) -> None:
    centred = """
    const axis = axisOf(arguments[0]);
    const bins = binsOf(axis, images.map(axis.value));
    const bin = bins.find(({ from, to }) => from <= 0 && to > 0);
    return Math.abs(bin.from + bin.to) < 1e-9 && bin.to > 0;
    """
    files = [
        write(f"{run}.metrics.json", [image(id, "a dog", rank=rank, CIDEr=rank / 9) for id, rank in enumerate(ranks)])
        for run, ranks in {"nt": [1, 2, 40, 4], "nt_cl": [3, 2, 1, 5]}.items()
    ]
    page = opened(page_of(open_runs(files)))
    for axis in ("rank.change", "CIDEr.change", "length.change"):
        assert page.execute_script(centred, axis), axis
