"""Human captions are rows of their own: last, named, and never marked as a system."""

from pathlib import Path

from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.cross_ranking import cross_ranking_tables
from clcap_cli.reporting.reported_runs import open_reported_runs
from clcap_cli.reporting.tables.table import human_label, run_tables
from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.leave_one_out import leave_one_out
from clcap_cli.stages.self_retrieve import self_retrieve
from tests.reporting.conftest import image, scored_images
from tests.reporting.test_browser import element, elements
from tests.reporting.test_headline import run
from tests.reporting.test_page import page_of

CARD = {"role": "results", "id": "1" * 16, "stage": "leave-one-out"}


def three_runs(write) -> list[Path]:
    """A run of human captions between those of two models, with the best values."""
    return [
        write("human.metrics.json", [image(1, "a dog")], {"CIDEr": 9.0}, made_from=[CARD]),
        write("nt.metrics.json", [image(1, "dog")], {"CIDEr": 1.0}),
        write("nt_cl.metrics.json", [image(1, "a cat")], {"CIDEr": 2.0}),
    ]


def test_human_captions_stand_last_and_are_not_marked(write) -> None:
    (table,) = run_tables(open_runs(three_runs(write)))
    assert [name for name, _ in table.rows] == ["nt", "nt_cl", "human captions"]
    assert table.human == {"human captions"}
    assert not table.rows[-1][1][0].best
    assert human_label("people") == "people (human captions)"


def test_human_captions_name_the_model_that_ranked_them(write) -> None:
    own, other = ({"R@1": f"pool:1|ranker:{ranker}"} for ranker in ("own model", "aa#01234567"))
    files = [
        write("aa.metrics.json", [image(1, "dog")], {"R@1": 0.5}, signatures=own),
        write("human.metrics.json", [image(1, "a dog")], {"R@1": 0.5}, signatures=other, made_from=[CARD]),
    ]
    (table,) = run_tables(open_runs(files))
    assert [name for name, _ in table.rows] == ["aa", "human captions, ranked by aa"]
    assert human_label("human ranked by aa", "aa") == "human captions ranked by aa"


def test_human_captions_stay_last_in_sorted_tables(opened, write) -> None:
    page = opened(page_of(open_runs(three_runs(write))))
    rows = "[aria-label='Against the references'] tbody tr"
    for _ in range(2):
        element(page, "[aria-label='Against the references'] thead th:nth-child(2) button").click()
        assert "human" in elements(page, rows)[-1].get_attribute("class")


def test_files_of_leave_one_out_are_human(chain: Path) -> None:
    human = leave_one_out(chain / "captions.h5", out=chain / "human.captions.json", split="test")
    ranked = self_retrieve(chain / "nt.pt", predictions=human, device="cpu")
    other = self_retrieve(chain / "nt.pt", ranker=chain / "aa.pt", device="cpu")
    scored = evaluate([human], metrics="CIDEr", out=chain / "human.metrics.json")
    own = evaluate([caption(chain / "nt.pt", device="cpu")], metrics="CIDEr", out=chain / "nt.metrics.json")
    runs = open_runs([ranked, other, scored, own])
    assert sorted(run.name for run in runs if is_human(run)) == ["human", "human.by_nt"]
    recall = cross_ranking_tables(runs)[0]
    assert [name for name, _ in recall.rows] == ["nt", "human captions"]


def test_human_captions_are_not_compared_image_by_image(opened, write) -> None:
    page = opened(page_of(open_reported_runs(three_runs(write))))
    assert element(page, "h1").text.split("\n") == ["nt", "nt_cl", "human captions"]
    assert [element(page, f"#{name} option[selected]").text for name in ("before", "after")] == ["nt", "nt_cl"]


def test_human_captions_are_a_row_without_verdict(opened, write) -> None:
    files = [run(write, "nt", 2), run(write, "cl", 5), run(write, "aa", 3), run(write, "human", 9, made_from=[CARD])]
    page = opened(page_of(open_reported_runs(files)))
    last = elements(page, ".systems tbody tr")[-1]
    assert last.text.startswith("human captions") and "*" not in last.text
    assert last.find_elements("css selector", ".gained, .lost, small") == []
    assert not any("human" in one.text for one in elements(page, "[aria-labelledby=comparison] summary"))


def test_compare_lists_human_captions_last_without_stars(write, clcap) -> None:
    ranks = {"human": [1] * 60, "nt": [20, 30] * 30, "cl": [2, 3] * 30}
    made_from = {"human": [CARD]}
    files = [
        write(f"{name}.metrics.json", scored_images(own), made_from=made_from.get(name, []))
        for name, own in ranks.items()
    ]
    result = clcap("compare", *files)
    assert result.status == 0, result.err
    lines = result.out.splitlines()
    heads = [line.split(":")[0] for line in lines if " against " in line]
    assert heads == ["cl against nt", "human against nt"]
    of_cl, of_human = "\n".join(lines).split("human against nt")
    assert "*" in of_cl and "*" not in of_human
