"""Captioners with subword tokens run through the whole chain."""

import json
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.tokenizers.hugging_face import read_tokenizer
from tests.tokenizers.subwords import write_bpe, write_wordpiece

SMALL = {"hidden": 16, "epochs": 1, "lr": 0.01, "device": "cpu"}
MODELS: dict[str, dict] = {
    "neuraltalk2": {"embedding": 16},
    "adaptive-attention": {"embedding": 16},
    "transformer": {"model_option": ["layers=1", "heads=2", "feedforward_size=24"]},
}


@pytest.fixture
def subwords(chain: Path) -> Path:
    return write_bpe(chain / "tokenizer.json", open_captions(chain / "captions.h5").raw)


def train(chain: Path, tokenizer: Path, model: str = "neuraltalk2", **options: object) -> Path:
    given = {**SMALL, **MODELS[model], **options}
    inputs = chain / "captions.h5", chain / "features.h5"
    return train_mle(*inputs, model=model, tokenizer=tokenizer, out=chain / "sub.pt", **given)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_the_chain_with_subwords(chain: Path, clcap, subwords: Path, model: str) -> None:
    path = train(chain, subwords, model)
    checkpoint, tokenizer = open_checkpoint(path), read_tokenizer(subwords)
    assert checkpoint.tokenizer.id == tokenizer.id
    assert checkpoint.config.vocabulary_size == tokenizer.size
    assert clcap("train-cl", "--ref", path, "--k", 1, "--epochs", 1).out == f"{chain}/sub_cl.pt\n"
    results = clcap("caption", chain / "sub_cl.pt").out.strip()
    texts = [result["caption"] for result in json.loads(Path(results).read_text())]
    assert len(texts) == 10
    assert f"({tokenizer.kind}, id {tokenizer.id})" in clcap("show", path).out
    assert clcap("evaluate", results).status == 0
    assert clcap("self-retrieve", chain / "sub_cl.pt").status == 0
    images = json.loads((chain / "sub_cl.retrieval.json").read_text())["images"]
    assert [image["caption"] for image in images] == texts
    assert all(1 <= image["rank"] <= 10 for image in images)


def test_references_are_ranked_as_subwords(chain: Path, clcap, subwords: Path) -> None:
    path = train(chain, subwords)
    annotations = json.loads((chain / "scenes" / "captions_test.json").read_text())["annotations"]
    results = [
        {"image_id": annotation["image_id"], "caption": annotation["caption"]} for annotation in annotations[::5]
    ]
    (chain / "references.json").write_text(json.dumps(results))
    result = clcap("self-retrieve", path, "--predictions", chain / "references.json", "--full-matrix", chain / "all.h5")
    assert result.status == 0
    assert "unknown" not in result.err


def test_the_maximum_length_counts_tokens(chain: Path, subwords: Path) -> None:
    checkpoint = open_checkpoint(train(chain, subwords, max_length=3))
    assert checkpoint.config.max_length == 3
    model, features = checkpoint.captioner(torch.device("cpu")), open_features(chain / "features.h5")
    decoded = decode([model], [StoredFeatures(features, features.ids, model)], DecodingSettings(), ())
    assert decoded.captions.shape[1] == 3
    assert decoded.lengths.max() <= 3
    longest = open_checkpoint(train(chain, subwords)).config.max_length
    assert longest == max(map(len, map(checkpoint.tokenizer.encode, open_captions(chain / "captions.h5").raw)))


def test_captions_are_tokenised_into_subwords_once(chain: Path, subwords: Path) -> None:
    path = chain / f"captions.{read_tokenizer(subwords).id}.tokens.h5"
    train(chain, subwords)
    written = path.stat().st_mtime_ns
    train(chain, subwords, model="transformer")
    assert path.stat().st_mtime_ns == written


def test_the_unknown_subword_is_never_generated(chain: Path, clcap) -> None:
    tokenizer = write_wordpiece(chain / "wordpiece.json", open_captions(chain / "captions.h5").raw)
    path = train(chain, tokenizer)
    results = Path(clcap("caption", path, "--temperature", 1).out.strip())
    assert all("[" not in result["caption"] for result in json.loads(results.read_text()))
    annotations = json.loads((chain / "scenes" / "captions_test.json").read_text())["annotations"]
    snow = [{"image_id": annotation["image_id"], "caption": "a ☃"} for annotation in annotations[::5]]
    (chain / "snow.json").write_text(json.dumps(snow))
    output = clcap("self-retrieve", path, "--predictions", chain / "snow.json")
    assert "10 of 20 words are not in the model's vocabulary and count as the unknown token" in output.err


def test_models_with_words_and_subwords_do_not_mix(chain: Path, error_of, subwords: Path) -> None:
    path = train(chain, subwords)
    words, own = (open_checkpoint(chain / name).tokenizer.size for name in ("nt.pt", "sub.pt"))
    assert error_of("train-cl", "--ref", chain / "nt.pt", "--target", path) == (
        f"{path} and {chain}/nt.pt have different tokenizers ({own} and {words} tokens); train both with the same one"
    )


def test_captions_of_another_vocabulary_are_refused(chain: Path, clcap, error_of) -> None:
    scenes = {split: chain / "scenes" / f"captions_{split}.json" for split in ("train", "val", "test")}
    files = [word for split, path in scenes.items() for word in (f"--{split}", path)]
    assert clcap("prepare-captions", *files, "--min-count", 9, "--out", chain / "other.h5").status == 0
    for stage in (["caption"], ["self-retrieve"], ["train-cl", "--ref"]):
        message = error_of(*stage, chain / "nt.pt", "--captions", chain / "other.h5")
        assert message.startswith(f"{chain}/other.h5 and {chain}/nt.pt have different vocabularies")
        assert message.endswith("both must come from the same prepare-captions")
