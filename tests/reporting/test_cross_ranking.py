"""Cross-ranking tables: which captions and rankers they have, and which runs remain in the other tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.cross_ranking import cross_ranking_tables, without_cross_rankings
from clcap_cli.reporting.tables.table import Table
from tests.reporting.conftest import image, scored_images

IMAGES = [image(id, f"caption {id}", rank=1, tied=1) for id in (1, 2)]
MODELS = ("nt", "nt_cl")
ENDINGS = (("csv", "csv"), ("markdown", "md"), ("latex", "tex"))


@pytest.fixture
def ranking(write: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that writes the retrieval file of captions ranked by a model, with an R@1."""

    def ranking(
        captions: str, ranker: str, value: float, pool: str = "2", decoding: str = "beam 3", **ids: str
    ) -> Path:
        name = captions if captions == ranker else f"{captions}.by_{ranker}"
        parties = {
            "captions": {"name": captions, "id": ids.get("id", captions)},
            "ranker": {"name": ranker, "id": ranker},
        }
        signature = f"pool:{pool}|ranker:x|split:test#1|decoding:{decoding}|precision:fp32"
        more = {"ranking": parties, "signatures": {"R@1": signature}, "intervals": {"R@1": [0.0, 0.5]}}
        folder = ids.get("folder", "")
        return write(f"{folder}{name}.retrieval.json", IMAGES, {"R@1": value, "mean_rank": 1.5}, **more)

    return ranking


def shown(table: Table) -> list[list[str]]:
    """The table as text, with its header."""
    head = [table.row_header, *(column.name for column in table.metrics)]
    return [head, *([name, *(f"{cell.text} {cell.spread}".strip() for cell in cells)] for name, cells in table.rows)]


def test_captions_are_rows_and_rankers_are_columns(ranking) -> None:
    values = {
        ("nt", "nt"): 0.1,
        ("nt_cl", "nt_cl"): 0.4,
        ("nt_cl", "nt"): 0.3,
        ("nt", "nt_cl"): 0.2,
        ("human", "nt"): 0.5,
    }
    runs = open_runs([ranking(*pair, value) for pair, value in values.items()])
    recall, mean_rank = cross_ranking_tables(runs)
    assert recall.heading == "R@1 of captions, by ranker (test split, 2 images)"
    assert shown(recall) == [
        ["captions of", "by nt", "by nt_cl"],
        ["nt", "0.100 [0.000, 0.500] own", "0.200 [0.000, 0.500]"],
        ["nt_cl", "0.300 [0.000, 0.500]", "0.400 [0.000, 0.500] own"],
        ["human", "0.500 [0.000, 0.500]", ""],
    ]
    assert shown(mean_rank)[1] == ["nt", "1.50 own", "1.50"]
    assert not any(cell.best for _, cells in recall.rows for cell in cells)


def test_own_rankings_alone_make_no_table(ranking) -> None:
    assert cross_ranking_tables(open_runs([ranking(name, name, 0.1) for name in MODELS])) == []


def test_each_pool_has_its_own_table(ranking) -> None:
    paths = [ranking("nt_cl", "nt", 0.1), ranking("nt", "nt_cl", 0.2, pool="similar 2 of 3, features 12")]
    titles = [table.heading for table in cross_ranking_tables(open_runs(paths)) if table.title.startswith("R@1")]
    assert titles == [
        "R@1 of captions, by ranker (test split, 2 images)",
        "R@1 of captions, by ranker (test split, similar 2 of 3, features 12)",
    ]


def test_models_without_a_cross_ranking_are_left_out(ranking) -> None:
    runs = open_runs([ranking("aa", "aa", 0.1), ranking("nt", "nt", 0.2), ranking("nt_cl", "nt", 0.3)])
    assert [row[0] for row in shown(cross_ranking_tables(runs)[0])] == ["captions of", "nt", "nt_cl"]


def test_equal_names_are_told_apart_by_id_or_decoding(ranking) -> None:
    paths = [
        ranking("nt", "aa", 0.1, folder="a/"),
        ranking("nt", "aa", 0.2, folder="b/", decoding="beam 5"),
        ranking("nt", "aa", 0.3, folder="c/", id="0123456789"),
    ]
    labels = [row[0] for row in shown(cross_ranking_tables(open_runs(paths))[0])][1:]
    assert labels == ["nt#nt (beam 3)", "nt#nt (beam 5)", "nt#01234567 (beam 3)"]


def test_a_cross_ranking_belongs_to_the_run_of_its_captions(ranking, write) -> None:
    crossed = [ranking("nt_cl", "nt", 0.3), ranking("human", "nt", 0.4)]
    names = [run.name for run in without_cross_rankings(open_runs([ranking("nt_cl", "nt_cl", 0.1), *crossed]))]
    assert names == ["nt_cl", "human ranked by nt"], "not the column of models that rank their own captions"
    scored = write("human.metrics.json", IMAGES, {"CIDEr": 1.0})
    assert [run.name for run in without_cross_rankings(open_runs([scored, *crossed]))] == [
        "human",
        "nt_cl ranked by nt",
    ]


def test_the_report_shows_cross_rankings_in_every_format(ranking, clcap, tmp_path: Path) -> None:
    paths = [ranking("nt", "nt", 0.1), ranking("nt_cl", "nt_cl", 0.2), ranking("nt_cl", "nt", 0.3)]
    files = [word for kind, end in ENDINGS for word in (f"--{kind}", tmp_path / f"x.{end}")]
    result = clcap("report", *paths, "--text", *files, "--out", tmp_path / "x.html")
    assert result.status == 0 and "A model tends to rank its own captions better" in result.err
    assert "R@1 of captions, by ranker (test split, 2 images)" in result.out
    assert "| nt_cl | 0.300 [0.000, 0.500] | 0.200 [0.000, 0.500] own |" in (tmp_path / "x.md").read_text()
    assert r"nt\_cl & 0.300 & 0.200{\scriptsize \,own} & " in (tmp_path / "x.tex").read_text()
    page = (tmp_path / "x.html").read_text()
    assert '<h2 id="cross-ranking">' in page and "nt_cl.by_nt</span></th>" not in page
    rows = (tmp_path / "x.csv").read_text().splitlines()
    assert rows[0].startswith("run,captions_of,ranked_by,R@1,") and "nt_cl.by_nt,nt_cl,nt,0.3," in "\n".join(rows)


def test_values_of_different_rankings_are_neither_best_nor_comparable(write, clcap) -> None:
    signatures = ["pool:2|ranker:own model|split:test#1", "pool:2|ranker:nt#1|split:test#1", "pool:2|split:test#1"]
    images = [scored_images([20] * 60), scored_images([1] * 60), scored_images([1] * 60)]
    paths = [
        write(f"{name}.retrieval.json", found, {"R@1": value}, signatures={"R@1": signature})
        for name, found, value, signature in zip("abc", images, (0.0, 1.0, 1.0), signatures, strict=True)
    ]
    result = clcap("report", *paths, "--text")
    assert "b was evaluated differently from a (R@1: ranker own model and nt#1): these values" in result.err
    assert "1.000† │" in result.out and "1.000* │" in result.out
    result = clcap("report", paths[0], paths[2], "--text")
    assert "differently" not in result.err and "1.000*" in result.out
