"""Tokenizers trained on the captions of a test."""

from collections.abc import Iterable
from pathlib import Path

import pytest


def write_bpe(path: Path, captions: Iterable[str], size: int = 300) -> Path:
    """Write a tokenizer.json with ``<s>``, ``</s>`` and ``<pad>``; the test skips where the package is missing."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is missing: pip install 'clcap[hf]'")
    pipeline = tokenizers.Tokenizer(tokenizers.models.BPE())
    pipeline.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    pipeline.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet, show_progress=False
    )
    pipeline.train_from_iterator(captions, trainer)
    pipeline.save(str(path))
    return path


def write_wordpiece(path: Path, captions: Iterable[str], size: int = 120) -> Path:
    """Write a tokenizer.json as BERT's: lower case, with ``[CLS]``, ``[SEP]``, ``[PAD]`` and ``[UNK]``."""
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is missing: pip install 'clcap[hf]'")
    pipeline = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    pipeline.normalizer = tokenizers.normalizers.BertNormalizer()
    pipeline.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    pipeline.decoder = tokenizers.decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    pipeline.train_from_iterator(captions, trainer)
    pipeline.save(str(path))
    return path
