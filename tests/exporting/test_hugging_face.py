"""Captioners of Hugging Face as folders that transformers loads, with the captions that clcap writes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint, write_checkpoint
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.features.saved_encoder import own_backbone
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.stages.caption import caption
from clcap_cli.stages.export_captioner import export_captioner
from clcap_cli.stages.import_captioner import import_captioner
from tests.hugging_face.tiny_models import FAMILIES

CPU = torch.device("cpu")
PROMPT = "a picture"
RUN_CARDS = """
import json, os, sys
sys.modules["clcap_cli"] = None  # cannot be imported
images, captions = json.loads(sys.argv[1]), {}
for folder in sys.argv[2:]:
    os.chdir(folder)
    names = {}
    exec(open("README.md", encoding="utf-8").read().split("```python\\n")[1].split("```")[0], names)
    captions[os.path.basename(folder)] = [names["caption"](image) for image in images]
print(json.dumps(captions))
"""
"""Runs the code in the model card of each folder."""


@dataclass
class Trained:
    """Checkpoints that caption images."""

    folder: Path
    images: list[Path]
    names: list[str]

    @property
    def paths(self) -> list[Path]:
        return [self.folder / f"{name}.pt" for name in self.names]


def teach(checkpoint: Checkpoint, model: Captioner, images: list[Path]) -> None:
    """Train the model a little to give each image a short caption of its own: an untrained one hardly ever ends."""
    backbone, random = own_backbone(checkpoint, CPU), torch.Generator().manual_seed(0)
    assert backbone
    pixels = torch.stack([backbone.transform(Image.open(path).convert("RGB")) for path in images])
    features = ImageFeatures(*(part.detach() for part in backbone.features(pixels)))
    tokenizer, rows = checkpoint.tokenizer, torch.arange(len(images))
    words = torch.tensor(sorted({*range(tokenizer.size)} - {*tokenizer.never_generated, tokenizer.end}))
    texts = words[torch.randint(len(words), (len(images), 5), generator=random)]
    lengths = torch.randint(2, 6, (len(images),), generator=random)
    optimizer = torch.optim.Adam(model.requires_grad_(True).parameters(), lr=5e-3)
    for _ in range(20):
        optimizer.zero_grad()
        (-model(features, texts, lengths, rows).mean()).backward()
        optimizer.step()


def save(checkpoint: Checkpoint, model: Captioner, out: Path) -> None:
    content = (checkpoint.model, model, checkpoint.tokenizer, checkpoint.backbone, {}, checkpoint.lineage)
    write_checkpoint(out, *content, Origin("test", {}), checkpoint.encoder)


@pytest.fixture(scope="module")
def trained(shared_chain: Path, tiny_captioners: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A trained captioner of each family, and one of each with a prompt and LoRA adapters."""
    folder, images = tmp_path_factory.mktemp("trained"), sorted((shared_chain / "scenes" / "images").glob("*.png"))[:5]
    names = []
    for family in FAMILIES:
        for kind in ("plain", "lora"):
            names.append(f"{family}-{kind}")
            settings: dict[str, Any] = {"prompt": PROMPT} if kind == "lora" else {}
            source, captions = tiny_captioners / family, shared_chain / "captions.h5"
            opened = open_checkpoint(import_captioner(str(source), captions, out=folder / "new.pt", **settings))
            if kind == "lora":
                options: Any = {"lora_rank": 4}
                opened = replace(opened, config=replace(opened.config, **options))
            model = opened.captioner(CPU)
            teach(opened, model, images)
            save(opened, model, folder / f"{names[-1]}.pt")
    return Trained(folder, images, names)


def test_transformers_alone_writes_the_same_captions(trained: Trained, tmp_path: Path) -> None:
    expected = {}
    for path in trained.paths:
        texts = caption(path, images=trained.images, out=tmp_path / "captions.json", device="cpu")
        expected[path.stem] = [one["caption"] for one in json.loads(texts.read_text(encoding="utf-8"))]
        assert len(set(expected[path.stem])) >= 4
    folders = [export_captioner(path, tmp_path / path.stem) for path in trained.paths]
    words = [sys.executable, "-c", RUN_CARDS, json.dumps(list(map(str, trained.images))), *map(str, folders)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout.splitlines()[-1]) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_an_export_can_be_imported_again(trained: Trained, shared_chain: Path, tmp_path: Path, family: str) -> None:
    """With the same weights, also where adapters were merged."""
    path = trained.folder / f"{family}-lora.pt"
    folder = export_captioner(path, tmp_path / "export")
    again = import_captioner(str(folder), shared_chain / "captions.h5", out=tmp_path / "again.pt", prompt=PROMPT)
    texts = [
        json.loads(caption(one, images=trained.images, out=tmp_path / "captions.json", device="cpu").read_text())
        for one in (path, again)
    ]
    assert texts[0] == texts[1]


def test_the_start_of_captions_is_in_both_configurations(trained: Trained, tmp_path: Path) -> None:
    """transformers saves only one of them, and then generates nothing."""
    folder = export_captioner(trained.folder / "vision-encoder-decoder-plain.pt", tmp_path / "x")
    config, generation = (json.loads((folder / f"{name}config.json").read_text()) for name in ("", "generation_"))
    assert generation["decoder_start_token_id"] == config["decoder_start_token_id"] is not None


def test_a_checkpoint_without_its_encoder_is_refused(trained: Trained, tmp_path: Path, error_of) -> None:
    opened = open_checkpoint(trained.folder / "git-plain.pt")
    save(replace(opened, encoder=None), opened.captioner(CPU), tmp_path / "text.pt")
    message = error_of("export-captioner", tmp_path / "text.pt", tmp_path / "x")
    assert message.startswith(
        f"{tmp_path}/text.pt does not hold the image encoder of its git, so it cannot be exported"
    )
    assert not (tmp_path / "x").exists()
