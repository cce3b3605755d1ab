"""Beam search finds the same captions as a plain search of one image that computes every hypothesis to the end."""

import pytest
import torch

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import MINUS_INFINITY, Constraints
from clcap_cli.decoding.top_tokens import top_tokens
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import Rows
from clcap_cli.models.token_log_prob import bias_of
from tests.decoding.test_beam import END, UNK, peaked_model

Caption = tuple[float, float, list[int]]
"""Score, ln p and tokens."""


@torch.inference_mode()
def plain_search(model: Captioner, encoded: Rows, beam: int, constraints: Constraints, penalty: float) -> list[Caption]:
    """All finished captions of the one image in ``encoded``, those with the highest scores first."""
    state, hypotheses, finished = model.initial_state(encoded), [(0.0, [model.config.start_token])], []
    for length in range(constraints.max_length + 1):
        tokens = torch.tensor([tokens for _, tokens in hypotheses])
        log_probs, state = model.step(encoded, torch.zeros(len(tokens), dtype=torch.int64), state, tokens[:, -1])
        constraints.mask_(log_probs, tokens[:, 1:])
        candidates = [
            (total + log_prob, row, token)
            for row, (total, _) in enumerate(hypotheses)
            for token, log_prob in enumerate(log_probs[row].tolist())
            if log_prob > MINUS_INFINITY
        ]
        best = sorted(candidates, reverse=True)[:beam]
        finished += [
            (total / (length + 1) ** penalty, total, hypotheses[row][1][1:])
            for total, row, token in best
            if token == END
        ]
        best = [extension for extension in best if extension[2] != END]
        if not best:
            break
        state = state[torch.tensor([row for _, row, _ in best])]
        hypotheses = [(total, [*hypotheses[row][1], token]) for total, row, token in best]
    return sorted(finished, key=lambda caption: caption[0], reverse=True)


PLAIN, CONSTRAINED = Constraints(END, 0, 6, (UNK,)), Constraints(END, 3, 8, (UNK,), 2)


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize(
    ("words", "beam", "num_captions", "penalty", "constraints"),
    [
        (9, 3, 1, 0.0, PLAIN),
        (9, 3, 1, 3.0, PLAIN),
        (9, 4, 1, -1.0, PLAIN),
        (9, 5, 4, 0.7, CONSTRAINED),
        (300, 3, 2, 0.0, CONSTRAINED),
        (300, 2, 1, 3.0, CONSTRAINED),
    ],
)
def test_captions_are_those_of_a_plain_search(
    name: str, words: int, beam: int, num_captions: int, penalty: float, constraints: Constraints
) -> None:
    model, features = peaked_model(name, words, constraints.max_length, words)
    with torch.no_grad():
        bias = bias_of(model.output).clone()
        bias[END] += penalty  # so that captions finish early where the penalty favours long ones
        model.output.bias = torch.nn.Parameter(bias)
    encoded = model.encode(features)
    decoded = beam_search(model, encoded, beam, constraints, penalty, num_captions)
    for image in range(0, len(features), 2):
        expected = plain_search(model, encoded[image : image + 1], beam, constraints, penalty)[:num_captions]
        for row, (_, log_prob, tokens) in enumerate(expected, start=image * num_captions):
            assert decoded.captions[row, : decoded.lengths[row]].tolist() == tokens
            assert decoded.log_probs[row].item() == pytest.approx(log_prob, abs=1e-4)


@pytest.mark.parametrize("vocabulary", [2, 64, 250, 256, 1000])
@pytest.mark.parametrize("count", [1, 3, 15])
def test_top_tokens_are_those_of_topk(vocabulary: int, count: int) -> None:
    torch.manual_seed(vocabulary)
    log_probs = torch.randn(7, vocabulary).masked_fill(torch.rand(7, vocabulary) < 0.3, MINUS_INFINITY)
    values, tokens = top_tokens(log_probs, count)
    assert torch.equal(values, log_probs.topk(min(count, vocabulary)).values)
    assert torch.equal(values, log_probs.gather(1, tokens))
