"""Each stage names the command that usually follows, complete, so that it can be copied."""

import json
import shlex
from pathlib import Path

import pytest

from clcap_cli.command_line.next_commands import FOLLOWING, next_commands
from tests.test_docs import COMMANDS

CASES = [
    (
        "make-scenes",
        {"folder": "my scenes"},
        "my scenes",
        [
            "clcap prepare-captions --train 'my scenes/captions_train.json' --val 'my scenes/captions_val.json' "
            "--test 'my scenes/captions_test.json'"
        ],
    ),
    (
        "prepare-captions",
        {"dataset": "dataset.json"},
        "captions.h5",
        ["clcap extract-features captions.h5 --images IMAGE_FOLDER"],
    ),
    (
        "extract-features",
        {"captions": "d/captions.h5", "images": ["i"]},
        "d/features.h5",
        ["clcap train-mle d/captions.h5 d/features.h5 --out d/mle.pt"],
    ),
    ("import-features", {"captions": "c.h5"}, "f.h5", ["clcap train-mle c.h5 f.h5"]),
    (
        "import-captioner",
        {"captions": "c.h5"},
        "blip.pt",
        ["clcap extract-features c.h5 --images IMAGE_FOLDER --encoder blip.pt --out blip.features.h5"],
    ),
    ("train-mle", {"captions": "c.h5", "features": "f.h5"}, "nt.pt", ["clcap train-cl --ref nt.pt --k 5"]),
    ("train-cl", {"ref": "nt.pt"}, "nt_cl.pt", ["clcap caption nt_cl.pt", "clcap self-retrieve nt_cl.pt"]),
    ("swap-reference", {}, "nt_ref1.pt", ["clcap train-cl --ref nt_ref1.pt --k 5"]),
    (
        "caption",
        {"checkpoints": ["nt.pt"], "split": "val", "beam": 5},
        "nt.captions.json",
        ["clcap self-retrieve nt.pt --predictions nt.captions.json --split val"],
    ),
    (
        "caption",
        {"checkpoints": ["nt.pt", "aa.pt"]},
        "nt+aa.captions.json",
        ["clcap evaluate nt+aa.captions.json"],
    ),
    (
        "caption",
        {"checkpoints": ["nt.pt"], "num_captions": "3"},
        "nt.captions.json",
        ["clcap evaluate nt.captions.json"],
    ),
    ("caption", {"checkpoints": ["nt.pt"], "images": ["a.jpg"]}, "nt.images.captions.json", []),
    (
        "self-retrieve",
        {"checkpoint": "nt.pt", "beam": "5", "min_words": 2, "device": "cpu"},
        "nt.retrieval.json",
        ["clcap evaluate nt.pt --retrieval nt.retrieval.json --beam 5 --min-words 2"],
    ),
    (
        "self-retrieve",
        {"checkpoint": "nt.pt", "predictions": "other.json"},
        "nt.retrieval.json",
        ["clcap report nt.retrieval.json"],
    ),
    (
        "leave-one-out",
        {"references": "captions.h5"},
        "human.captions.json",
        ["clcap evaluate human.captions.json --references human.references.json"],
    ),
    (
        "self-retrieve",
        {"checkpoint": "nt_cl.pt", "ranker": "nt.pt"},
        "nt_cl.by_nt.retrieval.json",
        ["clcap report nt_cl.by_nt.retrieval.json"],
    ),
    ("self-retrieve", {"checkpoint": "nt.pt", "pool": 9}, "nt.retrieval.json", ["clcap report nt.retrieval.json"]),
    (
        "evaluate",
        {"retrieval": "nt.retrieval.json"},
        "nt.metrics.json",
        ["clcap report nt.metrics.json nt.retrieval.json"],
    ),
    (
        "demo",
        {},
        "clcap-demo",
        [
            "clcap compare clcap-demo/aa.metrics.json clcap-demo/aa_cl.metrics.json",
            "clcap show clcap-demo/aa_cl.pt",
        ],
    ),
]


@pytest.mark.parametrize(("stage", "given", "written", "commands"), CASES)
def test_the_next_commands_are_complete(tmp_path: Path, monkeypatch, stage, given, written, commands) -> None:
    monkeypatch.chdir(tmp_path)
    actual = next_commands(stage, given, Path(written))
    assert actual == commands
    for command in actual:
        program, name, *arguments = shlex.split(command)
        assert program == "clcap"
        COMMANDS[name].make_context(name, arguments)  # raises an error for a wrong command line


def test_every_following_command_is_tested() -> None:
    assert {case[0] for case in CASES} == set(FOLLOWING) <= set(COMMANDS)


def test_the_images_beside_the_captions_are_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    given = {"train": [str(tmp_path / "train.json")], "val": [str(tmp_path / "val.json")]}
    assert next_commands("prepare-captions", given, Path("captions.h5")) == [
        f"clcap extract-features captions.h5 --images {tmp_path}/images"
    ]


def test_captions_of_clcap_are_scored_with_their_ranks(tmp_path: Path) -> None:
    results, ranks = tmp_path / "nt.captions.json", tmp_path / "nt.retrieval.json"
    provenance = tmp_path / "nt.captions.provenance.json"
    provenance.write_text('{"settings": {}}')
    given = {"checkpoint": "nt.pt", "predictions": results, "split": "val"}
    assert next_commands("self-retrieve", given, ranks) == [f"clcap evaluate {results} --retrieval {ranks} --split val"]
    provenance.write_text('{"settings": {"images": ["photos"]}}')
    assert next_commands("self-retrieve", given, ranks) == [f"clcap report {ranks}"]


def write_signatures(path: Path, **signatures: str) -> None:
    path.write_text(json.dumps({"signatures": signatures}))


def test_a_run_is_compared_with_the_one_it_came_from(tmp_path: Path) -> None:
    for name in ("aa", "nt", "nt_cl", "zz"):
        write_signatures(tmp_path / f"{name}.metrics.json", CIDEr=f"refs:c5|split:test#1|decoding:{name}")
    files = f"{tmp_path}/nt.metrics.json {tmp_path}/nt_cl.metrics.json"
    actual = next_commands("evaluate", {}, tmp_path / "nt_cl.metrics.json")
    assert actual == [f"clcap compare {files}", f"clcap report {files}"]


@pytest.mark.parametrize(
    "other",
    [{"CIDEr": "refs:c5|images:5|split:test#2"}, {"CIDEr": "refs:c4|images:60|split:test#1"}, {"BLEU-4": "x:1"}, {}],
)
def test_runs_that_share_no_metric_are_not_compared(tmp_path: Path, other: dict[str, str]) -> None:
    write_signatures(tmp_path / "a.metrics.json", **other)
    written = tmp_path / "b.metrics.json"
    write_signatures(written, CIDEr="refs:c5|images:60|split:test#1")
    assert next_commands("evaluate", {}, written) == [f"clcap report {written}"]


def test_each_printed_command_runs(chain: Path, clcap) -> None:
    command = f"clcap caption {chain}/nt_cl.pt"
    for stage in ("caption", "self-retrieve", "evaluate", "report"):
        arguments = shlex.split(command)[1:]
        assert arguments[0] == stage
        result = clcap(*arguments, *(["--metrics", "ROUGE_L"] if stage == "evaluate" else []))
        assert result.status == 0, result.err
        lines = result.err.splitlines()
        assert [line for line in lines if line.startswith("next: ")] == lines[len(lines) - (stage != "report") :]
        command = lines[-1].removeprefix("next: ")


def test_no_next_command_is_printed_with_quiet(chain: Path, clcap) -> None:
    assert clcap("caption", chain / "nt.pt", "--min-words", 1, "--quiet").err == ""


def test_captions_of_pictures_are_on_the_screen(chain: Path, clcap) -> None:
    images = sorted((chain / "scenes" / "images").iterdir())
    one = clcap("caption", chain / "nt.pt", "--images", images[0], "--min-words", 1)
    assert one.out == f"{chain}/nt.images.captions.json\n"
    assert one.err.splitlines()[-1].startswith(f"{images[0]}: ")
    folder = ("--images", images[0].parent, "--out", chain / "folder.captions.json", "--min-words", 1)
    many = clcap("caption", chain / "nt.pt", *folder).err.splitlines()
    assert [line.split(": ")[0] for line in many[-6:-1]] == [str(path) for path in images[:5]]
    assert many[-1] == f"and captions for {len(images) - 5} more images"
