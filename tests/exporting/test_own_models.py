"""Captioners of clcap as folders that need PyTorch only."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from clcap_cli.artifacts.features import open_features
from clcap_cli.features.backbone import load_backbone
from clcap_cli.features.saved_encoder import as_saved
from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.export_captioner import export_captioner
from clcap_cli.stages.self_retrieve import self_retrieve

RUN_CARDS = """
import json, os, sys
sys.modules["clcap_cli"] = None  # cannot be imported
import torch
features, captions = torch.load(sys.argv[1]), {}
for folder in sys.argv[2:]:
    os.chdir(folder)
    names = {}
    exec(open("README.md", encoding="utf-8").read().split("```python\\n")[1].split("```")[0], names)
    captions[os.path.basename(folder)] = [names["caption"](*values) for values in features]
print(json.dumps(captions))
"""
"""Runs the code in the model card of each folder."""


def write_lively(path: Path, out: Path, **config: object) -> Path:
    """Write a checkpoint with other weights, which writes long captions that differ between images."""
    content = torch.load(path, weights_only=True)
    random = torch.Generator().manual_seed(1)
    for value in content["weights"].values():
        value.add_(0.4 * torch.randn(value.shape, generator=random))
    content["config"] |= config
    torch.save(content, out)
    return out


def run_cards(folders: list[Path], features: list[tuple[torch.Tensor, torch.Tensor]], scratch: Path) -> dict:
    torch.save(features, scratch)
    words = [sys.executable, "-c", RUN_CARDS, scratch, *folders]
    done = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_the_code_in_the_card_writes_the_same_captions_without_clcap(chain: Path) -> None:
    models = [write_lively(chain / f"{name}.pt", chain / f"lively_{name}.pt") for name in ("nt", "aa", "tf")]
    models.append(write_lively(chain / "tf.pt", chain / "lively_pooled.pt", image_tokens="pooled"))
    texts = {}
    for model in models:
        found = json.loads(caption(model, beam=1, device="cpu").read_text(encoding="utf-8"))
        texts[model.stem] = {one["image_id"]: one["caption"] for one in found}
        assert len(set(texts[model.stem].values())) >= 5
    stored = open_features(chain / "features.h5")
    rows = stored.rows_of([*texts["lively_nt"]]).tolist()
    features = [(torch.tensor(stored.pooled[row]), torch.tensor(stored.grid[row])) for row in rows]
    folders = [export_captioner(model, chain / model.stem) for model in models]
    expected = {name: list(own.values()) for name, own in texts.items()}
    assert run_cards(folders, features, chain / "features.pt") == expected


def test_the_code_in_the_card_is_short(shared_chain: Path, tmp_path: Path) -> None:
    for name in ("nt", "aa", "tf"):
        card = (export_captioner(shared_chain / f"{name}.pt", tmp_path / name) / "README.md").read_text(
            encoding="utf-8"
        )
        assert len(card.split("```python\n")[1].split("```")[0].splitlines()) <= 70


def test_the_card_has_the_metrics_of_the_captioner_alone(chain: Path) -> None:
    own = self_retrieve(chain / "nt_cl.pt", device="cpu")
    others = self_retrieve(chain / "nt.pt", device="cpu")
    evaluate([chain / "nt_cl.pt"], metrics="ROUGE_L", retrieval=own, device="cpu")
    evaluate([chain / "nt.pt"], metrics="CIDEr", retrieval=others, device="cpu")
    folder = export_captioner(chain / "nt_cl.pt", chain / "nt_cl")
    card = (folder / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    metrics = {one["type"]: one["value"] for result in head["model-index"][0]["results"] for one in result["metrics"]}
    assert metrics["R@1"] == json.loads(own.read_text())["metrics"]["R@1"]
    assert "| `ROUGE_L` ↑ | `test` |" in card
    assert "`CIDEr`" not in card
    assert head["library_name"] == "clcap"


def test_the_card_has_data_and_lineage(shared_chain: Path, tmp_path: Path) -> None:
    card = (export_captioner(shared_chain / "nt_cl.pt", tmp_path / "x") / "README.md").read_text(encoding="utf-8")
    assert "train 24, val 8, test 10 images; 210 captions" in card
    assert "- `train`: `captions_train.json`, id `" in card
    assert "| `train-cl` | `k 2, objective contrastive, " in card
    assert "| `train-mle` | `model neuraltalk2, embedding 24, hidden 32, epochs 2, " in card
    assert "tf_efficientnet_lite0 (bundled weights), 64 pixels" in card
    assert "No metrics of this captioner lie beside its checkpoint" in card


def test_names_from_files_stay_text(chain: Path) -> None:
    """A name in a checkpoint of another person is neither a link nor a part of the table."""
    content = torch.load(chain / "nt.pt", weights_only=True)
    content["provenance"]["settings"]["schedule"] = "`|<b>\n[here](x)"
    torch.save(content, chain / "named.pt")
    card = (export_captioner(chain / "named.pt", chain / "named") / "README.md").read_text(encoding="utf-8")
    assert "schedule '\\|<b>\\n[here](x), " in card


def test_an_encoder_that_was_trained_along_is_exported(chain: Path) -> None:
    from safetensors.torch import load_file

    encoder = load_backbone("resnet18", "random", 64, torch.device("cpu"), trainable=True).network
    content = torch.load(chain / "nt.pt", weights_only=True)
    torch.save(content | {"encoder": vars(as_saved(encoder))}, chain / "along.pt")
    folder = export_captioner(chain / "along.pt", chain / "along")
    exported = load_file(folder / "encoder.safetensors")
    assert exported.keys() == encoder.network.state_dict().keys()
    assert json.loads((folder / "config.json").read_text())["encoder"]["name"] == "resnet18"
    assert "`encoder.safetensors`" in (folder / "README.md").read_text(encoding="utf-8")


def test_an_earlier_export_is_replaced(chain: Path, clcap) -> None:
    folder = chain / "x"
    assert clcap("export-captioner", chain / "nt.pt", folder).out == f"{folder}\n"
    assert clcap("export-captioner", chain / "tf.pt", folder).status == 0
    assert json.loads((folder / "config.json").read_text())["model"] == "transformer"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "clcap.json",
        "config.json",
        "model.safetensors",
    ]
    assert clcap("show", folder / "clcap.json").status == 0


def test_files_that_would_be_lost_are_kept(chain: Path, error_of) -> None:
    folder = chain / "x"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    assert error_of("export-captioner", chain / "nt.pt", folder) == (
        f"{folder} has files that are not of an earlier export: notes.txt; give another folder"
    )
    (folder / "notes.txt").unlink()
    export_captioner(chain / "nt.pt", folder)
    (folder / "README.md").write_text("license: mit")
    assert error_of("export-captioner", chain / "nt.pt", folder) == (
        f"{folder} was changed after it was exported: README.md; move these files, or give another folder"
    )
    assert (folder / "README.md").read_text() == "license: mit"


def test_an_export_that_fails_leaves_the_earlier_one(chain: Path, monkeypatch: pytest.MonkeyPatch, error_of) -> None:
    folder = export_captioner(chain / "nt.pt", chain / "x")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clcap_cli.exporting.folder.write_json", full)
    assert "No space left on device" in error_of("export-captioner", chain / "aa.pt", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert "No space left on device" in error_of("export-captioner", chain / "aa.pt", chain / "new")
    assert not (chain / "new").exists()


def test_a_model_of_a_package_is_refused(chain: Path, monkeypatch: pytest.MonkeyPatch, error_of) -> None:
    monkeypatch.setattr("clcap_cli.exporting.own_model.MODELS", ("transformer",))
    message = error_of("export-captioner", chain / "nt.pt", chain / "x")
    assert message.startswith(f"{chain}/nt.pt has a model 'neuraltalk2' of a package, which export-captioner cannot")
    assert message.endswith("; it exports transformer")
