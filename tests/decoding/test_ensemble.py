"""Next-token probabilities of an ensemble are the means of those of its models."""

import pytest
import torch

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Ensemble
from clcap_cli.decoding.sampling import sample
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

END, UNK = 0, 1
CONSTRAINTS = Constraints(END, 0, 6, (UNK,))


def peaked_model(name: str, seed: int, longest: int = 6) -> Captioner:
    """A model with peaked distributions."""
    torch.manual_seed(seed)
    model = build_tiny_model(name, 9, longest)
    with torch.no_grad():
        model.output.weight.mul_(6)
    return model


def features() -> ImageFeatures:
    torch.manual_seed(0)
    return ImageFeatures(torch.randn(5, 7), torch.randn(5, 4, 5))


def search(models: list[Captioner], beam: int = 3, best: int = 2) -> Decoded:
    together = Ensemble(models)
    return beam_search(together, together.encode([features()] * len(models)), beam, CONSTRAINTS, num_captions=best)


def mean_log_prob(models: list[Captioner], image: int, words: list[int]) -> float:
    """ln p of a caption: the sum over its tokens and the end token of ln of the mean probability."""
    own, total = torch.tensor([0]), 0.0
    encoded = [model.encode(features()[torch.tensor([image])]) for model in models]
    states = [model.initial_state(seen) for model, seen in zip(models, encoded, strict=True)]
    last = torch.tensor([models[0].config.start_token])
    for word in [*words, END]:
        steps = [
            model.step(*part, last)
            for model, part in zip(models, _encodings_and_states(encoded, own, states), strict=True)
        ]
        states = [state for _, state in steps]
        total += float(torch.stack([log_probs[0, word].exp() for log_probs, _ in steps]).mean().log())
        last = torch.tensor([word])
    return total


def _encodings_and_states(encoded: list, own: torch.Tensor, states: list) -> list[tuple]:
    return [(seen, own, state) for seen, state in zip(encoded, states, strict=True)]


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize("size", [2, 3])
def test_an_ensemble_of_equal_models_is_the_model(name: str, size: int) -> None:
    model = peaked_model(name, 1)
    alone = beam_search(model, model.encode(features()), 3, CONSTRAINTS, num_captions=2)
    together = search([model] * size)
    assert torch.equal(alone.captions, together.captions)
    assert alone.log_probs.tolist() == pytest.approx(together.log_probs.tolist(), abs=1e-5)


@pytest.mark.parametrize("names", [("neuraltalk2", "adaptive-attention"), ("transformer", "neuraltalk2")])
def test_probabilities_of_different_models_are_averaged(names: tuple[str, str]) -> None:
    models = [peaked_model(name, seed) for seed, name in enumerate(names)]
    decoded = search(models)
    assert decoded.captions.tolist() != search(models[:1]).captions.tolist()
    with torch.inference_mode():
        for row in range(10):
            words = decoded.captions[row, : decoded.lengths[row]].tolist()
            assert float(decoded.log_probs[row]) == pytest.approx(mean_log_prob(models, row // 2, words), abs=1e-4)


@torch.inference_mode()
def test_sequence_log_prob_equals_that_of_decoding() -> None:
    together = Ensemble([peaked_model("transformer", 1), peaked_model("neuraltalk2", 2)])
    encoded = together.encode([features()] * 2)
    decoded = beam_search(together, encoded, 3, CONSTRAINTS, num_captions=2)
    image = torch.arange(5).repeat_interleave(2)
    log_probs = together.sequence_log_prob(encoded, decoded.captions, decoded.lengths, image)
    assert len(set(decoded.lengths.tolist())) > 1
    assert log_probs.tolist() == pytest.approx(decoded.log_probs.tolist(), abs=1e-4)


def test_samples_have_the_log_probs_of_the_ensemble() -> None:
    models = [peaked_model("neuraltalk2", 3), peaked_model("adaptive-attention", 4)]
    together = Ensemble(models)
    samples = sample(together, together.encode([features()] * 2), 2, torch.rand(7, 2, 5))
    with torch.inference_mode():
        for row in range(10):
            words = samples.captions[row, : samples.lengths[row]].tolist()
            if len(words) < 6:
                assert float(samples.log_probs[row]) == pytest.approx(mean_log_prob(models, row % 5, words), abs=1e-4)


def test_the_smallest_maximum_length_applies() -> None:
    assert Ensemble([peaked_model("neuraltalk2", 1), peaked_model("neuraltalk2", 2, longest=4)]).config.max_length == 4
