"""Tokenizers of Hugging Face, as train-mle and prepare-captions read them."""

import json
import os
from pathlib import Path

from tests.reliability.foreign_seeds import numbered
from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json

CAPTIONS = ["a dog runs in the park", "two dogs play", "a man rides a horse", "the red car"] * 5


def trained(kind: str) -> bytes:
    """A small tokenizer of subwords."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if kind == "BPE":
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=300, special_tokens=["<unk>", "</s>"], initial_alphabet=alphabet, show_progress=False
        )
    else:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]", "[SEP]"], show_progress=False)
    tokenizer.train_from_iterator(CAPTIONS, trainer)
    return json.dumps(json.loads(tokenizer.to_str())).encode()


def read(path: Path) -> None:
    """Read a tokenizer, and encode captions with it."""
    from clcap_cli.segmentation import tokenizer_trial
    from clcap_cli.tokenizers.hugging_face import read_tokenizer

    tokenizer_trial.trial_status = forked_trial_status
    tokenizer = read_tokenizer(path)
    for caption in CAPTIONS[:4]:
        tokenizer.decode(tokenizer.encode(caption))


def forked_trial_status(content: str) -> int:
    """Exit status of the trial of a tokenizer.json in a process forked from the worker, whose limits hold there too."""
    from clcap_cli.segmentation.tokenizer_trial import try_tokenizer

    process = os.fork()
    if process == 0:
        os._exit(try_tokenizer(content))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


FORMAT = Format(
    "tokenizer_json", "tokenizer.json", read, numbered(map(trained, ("BPE", "WordPiece"))), (mutate_json,), JSON_TOKENS
)
