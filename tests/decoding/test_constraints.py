"""Constraints on decoded captions, and settings of decoding."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.results import open_caption_results
from clcap_cli.decoding.constraints import MINUS_INFINITY, Constraints
from clcap_cli.decoding.sampling import logits_warper
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import InvalidValueError
from clcap_cli.stages.caption import caption

WORDS = 6


@given(
    written=st.lists(st.integers(1, WORDS - 1), max_size=8),
    min_length=st.integers(0, 10),
    longest=st.integers(8, 10),
    no_repeat=st.integers(0, 3),
)
def test_at_least_one_token_is_always_allowed(
    written: list[int], min_length: int, longest: int, no_repeat: int
) -> None:
    constraints = Constraints(0, min_length, longest, never_generated=(1,), no_repeat_ngram=no_repeat)
    log_probs = torch.zeros(1, WORDS)
    constraints.mask_(log_probs, torch.tensor([written], dtype=torch.int64))
    allowed = {word for word in range(WORDS) if log_probs[0, word] > MINUS_INFINITY}
    assert allowed
    assert 1 not in allowed
    if len(written) == longest:
        assert allowed == {0}
    elif len(written) < min_length and allowed != {0}:
        assert 0 not in allowed
    for word in allowed - {0}:
        ngrams = [tuple([*written, word][start : start + no_repeat]) for start in range(len(written) + 2 - no_repeat)]
        assert not no_repeat or not ngrams or ngrams.count(ngrams[-1]) == 1


@pytest.mark.parametrize("problem", [{"beam": 1}, {"beam": 3}, {"temperature": 1.0}])
def test_captions_follow_the_settings(chain: Path, problem: dict) -> None:
    written = caption(chain / "nt.pt", no_repeat_ngram=2, min_words=5, max_words=9, **problem)
    for (text,) in open_caption_results(written).captions.values():
        words = text.split()
        pairs = list(pairwise(words))
        assert 5 <= len(words) <= 9
        assert len(pairs) == len(set(pairs))


def test_a_caption_ends_if_all_other_tokens_are_excluded(chain: Path) -> None:
    words = len(open_checkpoint(chain / "nt.pt").tokenizer.words)
    written = caption(chain / "nt.pt", no_repeat_ngram=1, min_words=words + 5, max_words=words + 9)
    lengths = {len(text.split()) for (text,) in open_caption_results(written).captions.values()}
    assert lengths == {words}


def test_a_minimum_above_the_models_maximum_is_rejected(chain: Path, usage_error_of) -> None:
    longest = open_checkpoint(chain / "nt.pt").config.max_length
    message = usage_error_of("caption", chain / "nt.pt", "--min-words", longest + 1)
    assert f"--min-words: {longest + 1} is more than the model's maximum of {longest} tokens" in message


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ({"beam": 5, "top_p": 0.5}, "beam"),
        ({"length_penalty": 1, "top_k": 5}, "length_penalty"),
        ({"beam": 2, "num_captions": 3}, "num_captions"),
        ({"min_words": 3, "max_words": 2}, "min_words"),
    ],
)
def test_inconsistent_settings_are_rejected(settings: dict, option: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        DecodingSettings(**settings)
    assert error.value.parameter == option


@pytest.mark.parametrize(
    ("settings", "signature"),
    [
        ({}, "beam 3"),
        ({"num_captions": 5}, "beam 5, 5 captions"),
        ({"beam": 5, "length_penalty": 0.7, "num_captions": 2}, "beam 5, length-penalty 0.7, 2 captions"),
        ({"top_p": 0.9, "temperature": 1}, "sampling, top-p 0.9, temperature 1, seed 4"),
        ({"temperature": 0.12345678}, "sampling, temperature 0.12345678, seed 4"),
        ({"no_repeat_ngram": 3, "min_words": 5, "max_words": 9}, "beam 3, no-repeat-ngram 3, min-words 5, max-words 9"),
    ],
)
def test_signature_lists_the_settings_that_matter(settings: dict, signature: str) -> None:
    assert DecodingSettings(**settings).signature(4) == signature


def test_warper_applies_temperature_top_k_and_top_p() -> None:
    log_probs = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()

    def probabilities(**settings: float) -> list[float]:
        warped = logits_warper(DecodingSettings(**settings))(log_probs.clone())
        return [round(value, 4) for value in warped.softmax(1)[0].tolist()]

    assert probabilities(top_k=2) == [0.625, 0.375, 0, 0]
    assert probabilities(top_p=0.5) == [1, 0, 0, 0]
    assert probabilities(top_p=0.51) == [0.625, 0.375, 0, 0]
    assert probabilities(top_p=1.0) == [0.5, 0.3, 0.15, 0.05]
    assert probabilities(temperature=0.5) == [0.6849, 0.2466, 0.0616, 0.0068]
    assert probabilities(temperature=0.01)[0] == 1
