"""CLIP's embeddings are those of transformers, and a folder that cannot be used is named with the reason."""

import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from clcap_cli.encoders import images, texts
from clcap_cli.encoders.clip import ClipEncoder
from clcap_cli.encoders.sentence_encoder import SentenceEncoder
from clcap_cli.errors import ClcapError
from tests.encoders.tiny_clip import MAX_TOKENS, SIZE, pixels_of

CAPTIONS = ["a dog runs", "", "two cats sleep on a red sofa, side by side", "x", "a dog runs"]


def encoder(folder: Path, files: Sequence[Path] = ()) -> ClipEncoder:
    return ClipEncoder(folder, lambda: torch.device("cpu"), lambda ids: [files[int(id)] for id in ids])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures of several shapes, in colour and grey."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    shapes = [(40, 64, 3), (100, 50, 3), (33, 32), (64, 64, 3), (32, 90)]
    for number, shape in enumerate(shapes):
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def test_text_embeddings_are_those_of_transformers(tiny_clip: Path) -> None:
    found = encoder(tiny_clip).embed_texts(CAPTIONS)
    model = transformers.CLIPModel.from_pretrained(tiny_clip, dtype=torch.float32)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(tiny_clip)
    for text, embedding in zip(CAPTIONS, found, strict=True):
        ids = tokenizer("A photo depicts " + text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.no_grad():
            expected = model.get_text_features(**ids).pooler_output[0].double()
        assert embedding == pytest.approx((expected / expected.norm()).numpy(), abs=1e-6)


def test_image_embeddings_are_those_of_openai_preprocessing(tiny_clip: Path, pictures: list[Path]) -> None:
    found = encoder(tiny_clip, pictures).embed_images(range(len(pictures)))
    model = transformers.CLIPModel.from_pretrained(tiny_clip, dtype=torch.float32)
    for picture, embedding in zip(pictures, found, strict=True):
        with torch.no_grad():
            expected = model.get_image_features(pixels_of(picture)).pooler_output[0].double()
        assert embedding == pytest.approx((expected / expected.norm()).numpy(), abs=1e-6)


def test_batches_do_not_change_embeddings(tiny_clip: Path, pictures: list[Path], monkeypatch) -> None:
    opened, ids = encoder(tiny_clip, pictures), range(len(pictures))
    together = opened.embed_texts(CAPTIONS), opened.embed_images(ids)
    monkeypatch.setattr(texts, "BATCH_SIZE", 1)
    monkeypatch.setattr(images, "BATCH_SIZE", 2)
    for first, second in zip(together, (opened.embed_texts(CAPTIONS), opened.embed_images(ids)), strict=True):
        assert first == pytest.approx(second, abs=1e-6)
    assert (together[0][0] == together[0][4]).all()


def test_long_captions_are_cut_and_counted(tiny_clip: Path, capsys: pytest.CaptureFixture) -> None:
    long = "a very long caption " * 5
    found = encoder(tiny_clip).embed_texts([long, long + "indeed", "a dog"])
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert capsys.readouterr().err == (
        f"warning: texts cut to the {MAX_TOKENS} tokens that CLIP reads: 2 of 3 different ones; the first: "
        "'A photo depicts a very long caption a very long caption a ve…'\n"
    )


@pytest.mark.parametrize("seen_in", ["header", "content"])
def test_unreadable_images_are_counted(seen_in: str, tiny_clip: Path, tmp_path: Path, pictures: list[Path]) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image" if seen_in == "header" else pictures[0].read_bytes()[:60])
    with pytest.raises(ClcapError) as error:
        encoder(tiny_clip, [pictures[0], bad, pictures[1]]).embed_images(range(3))
    message = str(error.value)
    assert message.startswith(f"1 of 3 images cannot be read, the first: {bad} is not a readable image: ")
    assert message.endswith("; replace them, or leave out their captions")


def change(folder: Path, file: str, **values: object) -> None:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def without_weights(folder: Path, prefix: str) -> None:
    from safetensors.torch import load_file, save_file

    weights = {name: value for name, value in load_file(folder / "model.safetensors").items() if prefix not in name}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no configuration": (
        lambda folder: (folder / "config.json").unlink(),
        "has no config.json; a CLIP model in the layout of Hugging Face is expected here",
    ),
    "another model": (
        lambda folder: change(folder, "config.json", model_type="bert"),
        "has a model of type bert; a CLIP model in the layout of Hugging Face (type clip) is expected here",
    ),
    "no model type": (
        lambda folder: (folder / "config.json").write_text("{}"),
        "config.json names no model type; a CLIP model in the layout of Hugging Face (type clip) is expected here",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "cannot be opened as a CLIP model"),
    "weights cut": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{"),
        "cannot be opened as a CLIP model",
    ),
    "some weights": (lambda folder: without_weights(folder, "vision_model"), "of the model's weights, such as vision"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "lacks the files of its tokenizer"),
    "no preprocessing": (
        lambda folder: (folder / "preprocessor_config.json").unlink(),
        "cannot be opened as a CLIP model",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unusable_folder_is_named_with_the_reason(damage: str, tiny_clip: Path, tmp_path: Path) -> None:
    folder, (apply, message) = Path(shutil.copytree(tiny_clip, tmp_path / "clip")), DAMAGES[damage]
    apply(folder)
    with pytest.raises(ClcapError) as error:
        encoder(folder).embed_texts(["a dog"])
    assert str(error.value).startswith(str(folder))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_weights_give_no_scores(tiny_clip: Path, tmp_path: Path, pictures: list[Path]) -> None:
    folder = Path(shutil.copytree(tiny_clip, tmp_path / "clip"))
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    for projection in (model.text_projection, model.visual_projection):
        torch.nn.init.constant_(projection.weight, torch.nan)
    model.save_pretrained(folder)
    opened = encoder(folder, pictures)
    for embed in (lambda: opened.embed_texts(["a dog"]), lambda: opened.embed_images([0])):
        with pytest.raises(ClcapError, match=r"^an embedding of CLIP is not a finite number: its weights are damaged$"):
            embed()


class Malicious:
    """Runs code when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self) -> tuple:
        return (open, (str(self.file), "w"))


def test_pickled_weights_run_no_code(tiny_clip: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_clip, tmp_path / "clip"))
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"logit_scale": Malicious(tmp_path / "ran")}, protocol=2))
    with pytest.raises(ClcapError, match="cannot be opened as a CLIP model"):
        encoder(folder).embed_texts(["a dog"])
    assert not (tmp_path / "ran").exists()


def test_opening_uses_no_network(tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []
    for function in ("socket.socket.connect", "socket.getaddrinfo"):
        monkeypatch.setattr(function, lambda *arguments, **more: attempts.append(arguments))
    encoder(tiny_clip).embed_texts(["a dog"])
    SentenceEncoder(None, lambda: torch.device("cpu")).embed_texts(["a dog"])
    assert attempts == []


def as_published_by_openai(folder: Path) -> None:
    """Weights as .bin, the vocabulary in two files, and sizes as single numbers, as in the first releases."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    change(folder, "preprocessor_config.json", size=SIZE, crop_size=SIZE, feature_extractor_type="CLIPFeatureExtractor")


def as_one_processor(folder: Path) -> None:
    """The tokenizer and the preprocessing saved together, as transformers 5 does."""
    processor = transformers.CLIPProcessor.from_pretrained(folder)
    (folder / "preprocessor_config.json").unlink()
    processor.save_pretrained(folder)
    assert not (folder / "preprocessor_config.json").exists()


def in_half_precision(folder: Path) -> None:
    """Weights in fp16 that fp32 holds exactly."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float16)
    model.save_pretrained(folder)


def in_shards(folder: Path) -> None:
    """Weights in several files."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1


@pytest.mark.parametrize("lay_out", [as_published_by_openai, as_one_processor, in_half_precision, in_shards])
def test_all_layouts_give_the_same_embeddings(
    lay_out: Callable[[Path], None], tiny_clip: Path, tmp_path: Path, pictures: list[Path]
) -> None:
    folder = Path(shutil.copytree(tiny_clip, tmp_path / "tiny-clip"))
    lay_out(folder)
    ids, tolerance = range(len(pictures)), 1e-2 if lay_out is in_half_precision else 1e-6
    original, changed = encoder(tiny_clip, pictures), encoder(folder, pictures)
    assert changed.embed_texts(CAPTIONS) == pytest.approx(original.embed_texts(CAPTIONS), abs=tolerance)
    assert changed.embed_images(ids) == pytest.approx(original.embed_images(ids), abs=tolerance)
    assert (changed.signature() == original.signature()) == (lay_out is not in_half_precision)
