"""``show`` knows every file that clcap writes, and says of any other file what it probably is."""

import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.provenance import FORMATS
from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS
from tests.file_kinds.examples import EXAMPLES, safetensors, torch_file
from tests.tokenizers.subwords import write_bpe

OLD_FILES = Path(__file__).parents[1] / "data" / "version3"
DAMAGED = ("cut.json", "cut.pt")
CAPTION_FILES = ("coco.json", "t.csv", "t.txt")


def facts_of(output: str) -> dict[str, str]:
    return {line[:9].strip(): line[9:].strip() for line in output.splitlines()}


def test_every_file_of_a_run_is_described(clcap) -> None:
    kinds = set()
    for path in sorted(OLD_FILES.iterdir()):
        result = clcap("show", path)
        assert (result.status, result.err) == (0, ""), path
        assert "clcap did not write" not in result.out or path.name == "README.md"
        kinds |= {format for format in FORMATS if DESCRIPTIONS[format] in result.out.splitlines()[1]}
    assert len(kinds) >= 9


def test_a_log_is_summarised(clcap) -> None:
    facts = facts_of(clcap("show", OLD_FILES / "nt.log.jsonl").out)
    assert facts["kind"] == "a training log (*.log.jsonl) of train-mle or train-cl"
    assert facts["content"].startswith("3 validations; the last: epoch 2, step 2, loss 3.219")


def test_the_outputs_of_report_are_recognised(tmp_path: Path, clcap) -> None:
    names = ("page.html", "t.csv", "t.tex")
    page, table, latex = (tmp_path / name for name in names)
    metrics = OLD_FILES / "nt_cl.metrics.json"
    plots = ("--plots", tmp_path / "plots")
    assert clcap("report", metrics, "--out", page, "--csv", table, "--latex", latex, *plots).status == 0
    kinds = [facts_of(clcap("show", path).out)["kind"] for path in (page, table, latex)]
    assert kinds == ["a page of report", "a table of metrics of report --csv", "LaTeX tables of report or compare"]
    for plot in (tmp_path / "plots").glob("*.svg"):
        assert "a plot of Matplotlib, as report --plots writes" in clcap("show", plot).out


def test_options_in_a_file_are_recognised(tmp_path: Path, clcap) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(clcap("train-mle", "--print-config").out)
    facts = facts_of(clcap("show", path).out)
    assert facts["kind"].startswith("YAML settings with the names features, out, ")
    assert facts["use"] == "options of a stage are given with --config"


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in DAMAGED])
def test_every_other_file_is_described(name: str, tmp_path: Path, clcap) -> None:
    content, description = EXAMPLES[name]
    (tmp_path / name).write_bytes(content)
    result = clcap("show", tmp_path / name)
    assert (result.status, result.err) == (0, "")
    kind = facts_of(result.out)["kind"]
    assert kind.endswith(" (clcap did not write this file)")
    assert kind.startswith(description) or "a caption file" in kind or "Hugging Face" in kind


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_an_error(name: str, tmp_path: Path, error_of) -> None:
    (tmp_path / name).write_bytes(EXAMPLES[name][0])
    assert error_of("show", tmp_path / name).startswith(f"{tmp_path / name} is not ")


@pytest.mark.parametrize("name", CAPTION_FILES)
def test_caption_files_are_counted(name: str, tmp_path: Path, clcap) -> None:
    (tmp_path / name).write_bytes(EXAMPLES[name][0])
    facts = facts_of(clcap("show", tmp_path / name).out)
    assert facts["content"].startswith("1 row, 1 image, 1 caption")
    assert facts["use"] == "clcap inspect shows its records; prepare-captions and evaluate read it"


def test_the_content_of_other_checkpoints_is_listed(tmp_path: Path, clcap) -> None:
    (tmp_path / "x.pth").write_bytes(torch_file({"logit.weight": torch.zeros(2), "core.bias": torch.zeros(1)}))
    assert facts_of(clcap("show", tmp_path / "x.pth").out)["content"] == "2 entries: logit.weight, core.bias"
    (tmp_path / "o.pth").write_bytes(torch_file({"opt": Path}))
    assert facts_of(clcap("show", tmp_path / "o.pth").out)["content"] == "pickled Python objects"
    (tmp_path / "x.safetensors").write_bytes(safetensors())
    assert facts_of(clcap("show", tmp_path / "x.safetensors").out)["content"] == "1 tensors: w"
    (tmp_path / "x.h5").write_bytes(EXAMPLES["other.h5"][0])
    assert facts_of(clcap("show", tmp_path / "x.h5").out)["content"] == "1 datasets: feats float32 (3, 4)"


def test_files_of_hugging_face_are_recognised(tmp_path: Path, clcap) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Blip"], "model_type": "blip"}))
    facts = facts_of(clcap("show", tmp_path / "config.json").out)
    assert facts["kind"].startswith("the configuration of a Hugging Face model")
    tokenizer = write_bpe(tmp_path / "tokenizer.json", ["a red ring"])
    assert facts_of(clcap("show", tokenizer).out)["use"] == "train-mle --tokenizer reads it"


@pytest.mark.parametrize("protocol", [2, 4])
def test_pickled_objects_in_a_checkpoint_are_named(protocol: int, tmp_path: Path, clcap) -> None:
    path = tmp_path / "nt.pt"
    with zipfile.ZipFile(path, "w") as archive:
        content = {"provenance": {"format": "clcap/checkpoint"}, "x": tmp_path}
        archive.writestr("nt/data.pkl", pickle.dumps(content, protocol))
    facts = facts_of(clcap("show", path).out)
    assert facts["kind"] == "a checkpoint (*.pt) of train-mle or train-cl (clcap did not write this file)"
    assert facts["content"] == "pickled Python objects"
