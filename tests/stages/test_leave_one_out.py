"""leave-one-out: people measured like a system."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.evaluation.left_out import leave_one_out_of

FAST = ("--metrics", "ROUGE_L,CIDEr", "--device", "cpu")


@given(st.dictionaries(st.integers(0, 99), st.lists(st.sampled_from("abc"), max_size=4)), st.integers(0, 9))
def test_captions_and_references_together_are_all_references(references: dict[int, list[str]], seed: int) -> None:
    found = leave_one_out_of(references, seed)
    assert sorted([*found.captions, *found.single]) == sorted(references)
    for id, (caption,) in found.captions.items():
        assert sorted([caption, *found.references[id]]) == sorted(references[id])
        assert leave_one_out_of({id: references[id]}, seed).captions == {id: [caption]}
    assert all(len(references[id]) < 2 for id in found.single)


def test_another_seed_chooses_other_references() -> None:
    references = {id: [f"{id} {number}" for number in range(5)] for id in range(50)}
    captions = [leave_one_out_of(references, seed).captions for seed in (0, 0, 1)]
    assert captions[0] == captions[1] != captions[2]
    assert len({text[-1] for (text,) in captions[0].values()}) == 5


def test_people_are_scored_and_ranked_like_a_system(chain: Path, clcap, monkeypatch) -> None:
    monkeypatch.chdir(chain)
    result = clcap("leave-one-out", "captions.h5")
    assert result.out == "human.captions.json\n"
    assert "10 captions; 40 references in human.references.json" in result.err
    assert result.err.endswith("next: clcap evaluate human.captions.json --references human.references.json\n")
    captions = open_captions(chain / "captions.h5")
    references = captions.references(captions.rows_of("test"))
    people = {one["image_id"]: one["caption"] for one in json.loads(Path("human.captions.json").read_text())}
    rest = json.loads(Path("human.references.json").read_text())
    for id, texts in references.items():
        others = [one["caption"] for one in rest["annotations"] if one["image_id"] == id]
        assert sorted([people[id], *others]) == sorted(texts)
    with_references = ("--references", "human.references.json", *FAST)
    assert clcap("evaluate", "human.captions.json", *with_references).status == 0
    scored = json.loads(Path("human.metrics.json").read_text())
    assert clcap("evaluate", "human.captions.json", *FAST, "--out", "found.metrics.json").status == 0
    assert json.loads(Path("found.metrics.json").read_text())["metrics"] == scored["metrics"]
    assert "refs:c4" in scored["signatures"]["CIDEr"]
    assert "decoding:references left out, seed 0" in scored["signatures"]["CIDEr"]
    assert clcap("evaluate", "nt.pt", *with_references).status == 0
    compared = clcap("compare", "nt.metrics.json", "human.metrics.json").out
    assert "CIDEr: refs" not in compared and "CIDEr: split" not in compared
    assert clcap("self-retrieve", "nt.pt", "--predictions", "human.captions.json").out == "human.by_nt.retrieval.json\n"
    ranked = json.loads(Path("human.by_nt.retrieval.json").read_text())
    assert "ranker:nt#" in ranked["signatures"]["R@1"] and ranked["ranking"]["captions"]["name"] == "human"
    assert "40 of 10 images" in clcap("show", "human.references.json").out
    assert "leave-one-out, seed 0" in clcap("show", "human.captions.json").out


def test_images_with_a_single_reference_are_counted(tmp_path: Path, clcap, error_of, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("image_id,caption\n1,a cat\n1,a black cat\n2,a dog\n")
    result = clcap("leave-one-out", "mine.csv", "--out", "people.csv")
    assert result.out == "people.csv\n"
    assert "left out: 1 image with a single reference\n" in result.err
    assert len(Path("people.csv").read_text().splitlines()) == 2
    assert clcap("evaluate", "people.csv", "--metrics", "ROUGE_L").status == 0
    Path("people.references.json").unlink()
    assert error_of("evaluate", "people.csv", "--metrics", "ROUGE_L") == (
        "people.csv has references that leave-one-out set apart, but the remaining ones are not in "
        "people.references.json; give them with --references"
    )
    Path("few.csv").write_text("image_id,caption\n1,a cat\n2,a dog\n")
    assert error_of("leave-one-out", "few.csv") == (
        "none of the 2 images in few.csv has two references; one is the caption and another the reference"
    )
    assert not Path("human.captions.json").exists()


def test_a_split_that_the_references_lack_is_an_error(tmp_path: Path, clcap, error_of, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("image,caption,split\na,a cat,val\na,one cat,val\nb,a dog,train\nb,one dog,train\n")
    assert clcap("leave-one-out", "mine.csv", "--split", "val").status == 0
    written = Path("human.captions.json").read_text()
    message = "mine.csv has no references of split"
    assert error_of("leave-one-out", "mine.csv", "--split", "vall") == f"{message} 'vall'; did you mean val?"
    assert error_of("leave-one-out", "mine.csv", "--split", "test") == f"{message} 'test'; its splits are val, train"
    assert Path("human.captions.json").read_text() == written
    assert clcap("leave-one-out", "mine.csv", "--split", "").status == 2
    assert f"{message} 'test'; those of val, train are used" in clcap("leave-one-out", "mine.csv").err
    assert len(json.loads(Path("human.captions.json").read_text())) == 2


@pytest.mark.parametrize("out", ["human.references.json", "HUMAN.References.CSV"])
def test_captions_are_not_named_like_references(tmp_path: Path, usage_error_of, monkeypatch, out: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("image_id,caption\n1,a cat\n1,a black cat\n")
    message = usage_error_of("leave-one-out", "mine.csv", "--out", out)
    assert f"--out: '{out}' is the name of references" in message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def people(folder: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write all.csv, and what leave-one-out makes of it."""
    monkeypatch.chdir(folder)
    rows = [f"{id},caption {number} of image {id}" for id in range(4) for number in range(3)]
    Path("all.csv").write_text("\n".join(["image_id,caption", *rows]))
    assert clcap("leave-one-out", "all.csv").status == 0


SCORED = ("evaluate", "human.captions.json", "--metrics", "ROUGE_L", "--tokenize", "whitespace")


def test_captions_among_their_own_references_are_counted(tmp_path: Path, clcap, monkeypatch) -> None:
    people(tmp_path, clcap, monkeypatch)
    err = clcap(*SCORED, "--references", "all.csv").err
    assert (
        "4 of 4 captions are, word for word, among their image's own references, from which leave-one-out took them: "
        "their scores are too high; give --references human.references.json" in " ".join(err.split())
    )
    for options in ((), ("--references", "human.references.json")):
        assert "word for word" not in clcap(*SCORED, *options).err


def replaced_text(path: Path) -> None:
    path.write_text(path.read_text().replace("image 2", "image 3"))


def without_provenance(path: Path) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({name: content[name] for name in ("images", "annotations")}))


@pytest.mark.parametrize("change", [replaced_text, without_provenance, "another seed"])
def test_changed_references_are_not_used_unasked(tmp_path: Path, clcap, error_of, monkeypatch, change) -> None:
    people(tmp_path, clcap, monkeypatch)
    references = Path("human.references.json")
    if change == "another seed":
        assert clcap("leave-one-out", "all.csv", "--seed", 1, "--out", "other.json").status == 0
        Path("other.references.json").replace(references)
    else:
        change(references)
    assert error_of(*SCORED) == (
        "human.references.json has changed since leave-one-out wrote it beside human.captions.json; to use it anyway, "
        "give it with --references"
    )
    assert clcap(*SCORED, "--references", references).status == 0


@pytest.mark.parametrize("out", ["human.pt", "mine.csv"])
def test_outputs_that_would_destroy_a_file_are_refused(tmp_path: Path, clcap, monkeypatch, out: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("image_id,caption\n1,a cat\n1,a black cat\n")
    assert clcap("leave-one-out", "mine.csv", "--out", out).status in (1, 2)
    assert Path("mine.csv").read_text() == "image_id,caption\n1,a cat\n1,a black cat\n"
