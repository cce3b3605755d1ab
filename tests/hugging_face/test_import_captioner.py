"""import-captioner: what a checkpoint of a pretrained captioner holds, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.errors import ClcapError
from clcap_cli.features.images import open_rgb
from clcap_cli.features.saved_encoder import own_backbone
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.stages.import_captioner import import_captioner
from clcap_cli.tokenizers.hugging_face import HuggingFaceTokenizer
from tests.hugging_face.tiny_models import BLIP_START, FAMILIES

CPU = torch.device("cpu")
CAPTION = "a red ring left of a blue star"
PROMPT = "a red"


@pytest.fixture(scope="module", params=[(family, prompt) for family in FAMILIES for prompt in ("", PROMPT)])
def imported(request: pytest.FixtureRequest, shared_chain: Path, tiny_captioners: Path, tmp_path_factory: Any) -> Path:
    family, prompt = request.param
    out = tmp_path_factory.mktemp("imported") / f"{family}.pt"
    return import_captioner(str(tiny_captioners / family), shared_chain / "captions.h5", out, prompt)


@pytest.fixture(scope="module")
def checkpoint(imported: Path) -> Checkpoint:
    return open_checkpoint(imported)


def expected_log_prob(folder: Path, checkpoint: Checkpoint, picture: Path, caption: str) -> float:
    """ln p from the library's logits, tokens and pixels alone."""
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    pixels = transformers.AutoImageProcessor.from_pretrained(folder)(open_rgb(picture), return_tensors="pt")
    words = transformers.AutoTokenizer.from_pretrained(folder)
    names = {"vision-encoder-decoder": ("<|endoftext|>",) * 2, "blip": (BLIP_START, "[SEP]"), "git": ("[CLS]", "[SEP]")}
    start, end = words.convert_tokens_to_ids(names[checkpoint.model])
    prompt = words(checkpoint.training["prompt"], add_special_tokens=False)["input_ids"]
    tokens = words(caption, add_special_tokens=False)["input_ids"]
    name = "decoder_input_ids" if checkpoint.model == "vision-encoder-decoder" else "input_ids"
    with torch.no_grad():
        logits = model(**pixels, **{name: torch.tensor([[start, *prompt, *tokens]])}).logits[0]
    log_probs = logits[-len(tokens) - 1 :].log_softmax(1)
    return float(log_probs.gather(1, torch.tensor([*tokens, end]).unsqueeze(1)).sum())


@torch.no_grad()
def test_log_probs_of_the_checkpoint_are_those_of_the_library(
    checkpoint: Checkpoint, shared_chain: Path, tiny_captioners: Path
) -> None:
    picture = next((shared_chain / "scenes" / "images").iterdir())
    backbone, captioner = own_backbone(checkpoint, CPU), checkpoint.captioner(CPU)
    assert backbone is not None
    features = ImageFeatures(*backbone.features(backbone.transform(open_rgb(picture)).unsqueeze(0)))
    tokens = torch.tensor([checkpoint.tokenizer.encode(CAPTION)])
    found = captioner(features, tokens, torch.tensor([tokens.shape[1]]), torch.tensor([0]))
    expected = expected_log_prob(tiny_captioners / checkpoint.model, checkpoint, picture, CAPTION)
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_what_a_checkpoint_records(checkpoint: Checkpoint, shared_chain: Path, tiny_captioners: Path, clcap) -> None:
    tokenizer, prompt = checkpoint.tokenizer, checkpoint.training["prompt"]
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    assert tokenizer.format.prompt == prompt
    assert checkpoint.training["imported"] == str(tiny_captioners / checkpoint.model)
    assert {item.role for item in checkpoint.provenance.inputs} == {"captions", "pretrained model"}
    assert checkpoint.backbone.processor["image_processor_type"].endswith("ImageProcessor")
    longest = max(map(len, map(tokenizer.encode, open_captions(shared_chain / "captions.h5").raw)))
    assert checkpoint.config.max_length == longest
    shown = clcap("show", checkpoint.path).out
    assert f"imported from {tiny_captioners / checkpoint.model}" in shown
    assert (f"prompt '{PROMPT}'" in shown) == bool(prompt)


def test_pictures_are_captioned(imported: Path, shared_chain: Path, tmp_path: Path, clcap) -> None:
    result = clcap("caption", imported, "--images", shared_chain / "scenes" / "images", "--out", tmp_path / "c.json")
    assert result.status == 0, result.err
    texts = [entry["caption"] for entry in json.loads((tmp_path / "c.json").read_text())]
    assert len(texts) > 1
    assert not any("[" in text or "<" in text or text.startswith(f"{PROMPT} {PROMPT}") for text in texts)


@pytest.fixture
def git(tiny_captioners: Path, tmp_path: Path) -> Path:
    """A copy of the tiny GIT that the test may change."""
    return Path(shutil.copytree(tiny_captioners / "git", tmp_path / "git"))


@pytest.fixture
def refusal(shared_chain: Path, tmp_path: Path, error_of: Callable[..., str]) -> Callable[..., str]:
    """The message with which a folder is refused, and no file written."""

    def run(folder: object, *options: object) -> str:
        message = error_of(
            "import-captioner", folder, "--captions", shared_chain / "captions.h5", "--out", tmp_path / "x.pt", *options
        )
        assert not (tmp_path / "x.pt").exists()
        return message.replace(str(folder), "FOLDER")

    return run


def edit(path: Path, **changes: object) -> None:
    """Change settings in a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (
            "config.json",
            {"model_type": "blip-2"},
            "FOLDER has a model of the type 'blip-2'; expected vision-encoder-decoder, blip or git "
            "(BLIP-2, Florence-2, PaliGemma and Qwen2.5-VL are not supported yet)",
        ),
        (
            "config.json",
            {"vision_config": {"auto_map": {"AutoConfig": "other--code.Config"}}},
            "FOLDER/config.json asks for code outside of transformers (auto_map), which clcap does not run",
        ),
        (
            "preprocessor_config.json",
            {"auto_map": {}},
            "FOLDER/preprocessor_config.json asks for code outside of transformers (auto_map), which clcap does "
            "not run",
        ),
        (
            "config.json",
            {"vision_config": {"_attn_implementation": "kernels-community/flash-attn2"}},
            "FOLDER/config.json asks for code outside of transformers (_attn_implementation), which clcap does not run",
        ),
        (
            "config.json",
            {"hidden_size": "big"},
            "FOLDER cannot be opened as a pretrained captioner: Validation error for field 'hidden_size': TypeError: "
            "Field 'hidden_size' expected int, got str (value: 'big')",
        ),
        (
            "config.json",
            {"hidden_act": "os.system"},
            "FOLDER cannot be opened as a pretrained captioner: its config.json has a value that transformers cannot "
            "use (KeyError: 'os.system')",
        ),
        (
            "config.json",
            {"vision_config": {"patch_size": 0}},
            "FOLDER cannot be opened as a pretrained captioner: its config.json has a value that transformers cannot "
            "use (ZeroDivisionError: integer division or modulo by zero)",
        ),
        (
            "preprocessor_config.json",
            {"image_processor_type": [1]},
            "FOLDER cannot be opened as a pretrained captioner: its preprocessor_config.json has a value that "
            "transformers cannot use (AttributeError: 'list' object has no attribute 'endswith')",
        ),
        (
            "config.json",
            {"vocab_size": 40},
            "FOLDER has weights that do not fit its config.json: git.embeddings.word_embeddings.weight has the shape "
            "[51, 32], expected [40, 32]",
        ),
        (
            "config.json",
            {"num_image_with_embedding": 6},
            "FOLDER has a GIT model of videos (num_image_with_embedding); clcap captions single images",
        ),
        (
            "config.json",
            {"num_hidden_layers": 10**9},
            "FOLDER/config.json: num_hidden_layers is 1000000000; expected at most 1000",
        ),
        (
            "config.json",
            {"eos_token_id": None},
            "FOLDER/config.json does not say at which token captions start and end: decoder_start_token_id is 2 and "
            "eos_token_id is None, expected a number each",
        ),
    ],
)
def test_settings_that_are_refused(git: Path, refusal, file: str, changes: dict, message: str) -> None:
    (git / "generation_config.json").unlink()
    edit(git / file, **changes)
    assert refusal(git) == message


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "tokenizer_config.json"])
def test_settings_that_are_no_object_are_named(git: Path, refusal, file: str) -> None:
    (git / file).write_text("[1, 2]")
    assert refusal(git) == f"FOLDER/{file} must be a JSON object; it is a list"


def test_an_adapter_is_no_captioner(git: Path, refusal) -> None:
    (git / "adapter_config.json").write_text("{}")
    assert refusal(git) == (
        "FOLDER is a PEFT adapter (adapter_config.json), not a whole captioner; merge it into its base first"
    )


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "FOLDER has no config.json; expected the folder of a pretrained captioner of Hugging Face"),
        ("tokenizer.json", "FOLDER has no tokenizer: expected tokenizer.json or vocab.txt or vocab.json or "),
        ("preprocessor_config.json", "FOLDER has no image processor: expected preprocessor_config.json or processor_"),
        ("model.safetensors", "FOLDER cannot be opened as a pretrained captioner: Error no file named model.safetens"),
    ],
)
def test_a_missing_file_is_named(git: Path, refusal, file: str, message: str) -> None:
    (git / file).unlink()
    assert refusal(git).startswith(message)


def test_a_truncated_file_is_refused(git: Path, refusal) -> None:
    content = (git / "model.safetensors").read_bytes()
    (git / "model.safetensors").write_bytes(content[: len(content) // 2])
    assert refusal(git).startswith("FOLDER cannot be opened as a pretrained captioner: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda weights: weights.pop("output.weight"),
            "FOLDER has weights that do not fit its config.json: 1 are missing: output.weight",
        ),
        (
            lambda weights: weights.update(extra=torch.ones(2)),
            "FOLDER has weights that do not fit its config.json: 1 are unexpected: extra",
        ),
        (
            lambda weights: weights["output.weight"].fill_(float("nan")),
            "FOLDER has weights that are not finite numbers: output.weight",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(git: Path, refusal, change: Callable, message: str) -> None:
    edit_weights(git, change)
    assert refusal(git) == message


def test_a_pooler_may_be_missing(tiny_captioners: Path, shared_chain: Path, tmp_path: Path) -> None:
    """No caption depends on it, and a ViT that was trained without one has none."""
    folder = Path(shutil.copytree(tiny_captioners / "vision-encoder-decoder", tmp_path / "vit"))
    pooler = "encoder.pooler.dense.weight", "encoder.pooler.dense.bias"
    edit_weights(folder, lambda weights: [weights.pop(name) for name in pooler])
    saved = open_checkpoint(import_captioner(str(folder), shared_chain / "captions.h5", tmp_path / "vit.pt")).encoder
    assert saved is not None
    assert not saved.weights["network.pooler.dense.weight"].any()


def test_weights_of_another_size_are_refused(git: Path, refusal) -> None:
    edit_weights(git, lambda weights: weights.update({"output.weight": torch.ones(3, 32)}))
    assert refusal(git) == (
        "FOLDER has weights that do not fit its config.json: output.weight has the shape [3, 32], expected [51, 32]"
    )


class Trap:
    """An object whose unpickling writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_bin_file_is_not_run(git: Path, refusal, tmp_path: Path) -> None:
    (git / "model.safetensors").unlink()
    torch.save({"output.weight": Trap(tmp_path / "ran")}, git / "pytorch_model.bin")
    assert refusal(git) == (
        "FOLDER cannot be opened as a pretrained captioner: its weights are damaged, or a file of them holds objects "
        "other than tensors, which clcap does not load; a safetensors file is needed"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("keys", "what"),
    [(("config", "architecture"), "its architecture"), (("encoder", "architecture", "config"), "its image encoder")],
)
def test_a_checkpoint_that_asks_for_code_is_refused(
    git: Path, shared_chain: Path, tmp_path: Path, keys: tuple[str, ...], what: str
) -> None:
    path = import_captioner(str(git), shared_chain / "captions.h5", tmp_path / "git.pt")
    content = torch.load(path, weights_only=True)
    part = content
    for key in keys:
        part = part[key]
    part["attn_implementation"] = "someone/kernel"
    torch.save(content, path)
    with pytest.raises(ClcapError, match=rf"{what} asks for code outside of transformers \(attn_implementation\)"):
        own_backbone(open_checkpoint(path), CPU)


def test_weights_outside_of_the_folder_are_refused(git: Path, refusal) -> None:
    index = git / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"output.weight": "../model.safetensors"}}))
    assert refusal(git) == (
        "FOLDER/model.safetensors.index.json lists weights that are not in its folder: ../model.safetensors"
    )


def test_an_index_without_metadata_is_refused(git: Path, refusal) -> None:
    index = git / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"output.weight": "model.safetensors"}}))
    assert refusal(git) == ("FOLDER/model.safetensors.index.json has no object 'metadata', which transformers needs")


def test_bin_files_and_shards_are_read(git: Path, tiny_captioners: Path, shared_chain: Path, tmp_path: Path) -> None:
    captions = shared_chain / "captions.h5"
    expected = open_checkpoint(import_captioner(str(git), captions, tmp_path / "whole.pt")).weights
    weights = load_file(git / "model.safetensors")
    (git / "model.safetensors").unlink()
    torch.save(weights, git / "pytorch_model.bin")
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    sharded = Path(shutil.copytree(git, tmp_path / "sharded"))
    (sharded / "pytorch_model.bin").unlink()
    for file, own in parts.items():
        save_file({name: weights[name] for name in own}, sharded / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: file for file, own in parts.items() for name in own}}
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    for folder in (git, sharded):
        found = open_checkpoint(import_captioner(str(folder), captions, tmp_path / f"{folder.name}.pt")).weights
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_folder_with_vocab_txt_alone(git: Path, shared_chain: Path, tmp_path: Path) -> None:
    """Older folders of BERT's tokenizer have no tokenizer.json."""
    content = json.loads((git / "tokenizer.json").read_text())
    words = {**content["model"]["vocab"], **{token["content"]: token["id"] for token in content["added_tokens"]}}
    (git / "tokenizer.json").unlink()
    (git / "vocab.txt").write_text("\n".join(sorted(words, key=lambda word: words[word])))
    (git / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    checkpoint = open_checkpoint(import_captioner(str(git), shared_chain / "captions.h5", tmp_path / "bert.pt"))
    assert checkpoint.tokenizer.decode(checkpoint.tokenizer.encode("A RED ring")) == "a red ring"


def test_a_difference_from_the_library_is_noticed(
    tiny_captioners: Path, refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clcap_cli.models.hugging_face.gpt2_decoder._scaled", lambda module, query: query * 1.1)
    message = refusal(tiny_captioners / "vision-encoder-decoder")
    assert message.startswith("FOLDER cannot be imported: the ln p of a caption is -")
    assert message.endswith(" in transformers; clcap does not know an option of its config.json")


def test_a_name_on_the_hub_without_a_network(refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError("no network\nsecond line")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    assert refusal("microsoft/git-base-coco") == (
        "FOLDER is no folder, and it cannot be downloaded from the hub: no network; give a folder that has the model"
    )
    assert refusal("./missing/git") == (
        "FOLDER is no folder; expected the folder of a pretrained model, or its name on the hub"
    )


def test_a_name_on_the_hub(
    tiny_captioners: Path, shared_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint is named after the model; ``.bin`` files are downloaded only where there are no safetensors."""
    downloads = []

    def download(name: str, allow_patterns: list[str]) -> str:
        downloads.append((name, [pattern for pattern in allow_patterns if "bin" in pattern]))
        return str(tiny_captioners / "git")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.chdir(tmp_path)
    assert import_captioner("microsoft/git-base-coco", shared_chain / "captions.h5") == Path("git-base-coco.pt")
    assert downloads == [("microsoft/git-base-coco", [])]
    assert open_checkpoint(Path("git-base-coco.pt")).training["imported"] == "microsoft/git-base-coco"


def test_more_tokens_than_positions_are_refused(git: Path, shared_chain: Path, usage_error_of) -> None:
    message = usage_error_of("import-captioner", git, "--captions", shared_chain / "captions.h5", "--max-length", 64)
    assert "--max-length: must be at most 63, the tokens that the model has positions for" in message


def test_a_prompt_of_unknown_words_is_refused(git: Path, refusal) -> None:
    assert refusal(git, "--prompt", "a photograph of") == (
        "the tokenizer of FOLDER does not know all words of the prompt 'a photograph of'"
    )
