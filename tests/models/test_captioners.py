"""Properties of the captioner interface that every model must have."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

VOCABULARY, LONGEST = 11, 6


def tiny(name: str, seed: int = 0) -> tuple[Captioner, ImageFeatures]:
    torch.manual_seed(seed)
    model = build_tiny_model(name, VOCABULARY, LONGEST)
    return model, ImageFeatures(torch.randn(3, 7), torch.randn(3, 4, 5))


def stepwise_log_prob(model: Captioner, features: ImageFeatures, image: int, words: list[int]) -> float:
    encoded = model.encode(features)[torch.tensor([image])]
    state, own = model.initial_state(encoded), torch.tensor([0])
    last, total = torch.tensor([model.config.start_token]), 0.0
    for word in [*words, 0]:
        log_probs, state = model.step(encoded, own, state, last)
        last, total = torch.tensor([word]), total + float(log_probs[0, word].detach())
    return total


captions = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(1, VOCABULARY - 1), max_size=LONGEST)), min_size=1, max_size=6
)


@pytest.mark.parametrize("name", MODELS.names)
@settings(max_examples=30)
@given(captions=captions, seed=st.integers(0, 99))
def test_sequence_log_prob_is_the_sum_of_steps(name: str, captions: list, seed: int) -> None:
    model, features = tiny(name, seed)
    tokens = torch.zeros(len(captions), LONGEST, dtype=torch.int64)
    for row, (_, words) in enumerate(captions):
        tokens[row, : len(words)] = torch.tensor(words, dtype=torch.int64)
    lengths = torch.tensor([len(words) for _, words in captions])
    image = torch.tensor([image for image, _ in captions])
    log_probs = model.sequence_log_prob(model.encode(features), tokens, lengths, image)
    steps = [stepwise_log_prob(model, features, image, words) for image, words in captions]
    assert log_probs.tolist() == pytest.approx(steps, abs=1e-5)


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize("length", range(LONGEST + 1))
def test_log_prob_is_the_sum_of_steps_for_every_length(name: str, length: int) -> None:
    model, features = tiny(name)
    words = torch.arange(1, LONGEST + 1).unsqueeze(0)
    log_probs = model.sequence_log_prob(model.encode(features), words, torch.tensor([length]), torch.tensor([1]))
    assert log_probs.item() == pytest.approx(
        stepwise_log_prob(model, features, 1, words[0, :length].tolist()), abs=1e-5
    )


@pytest.mark.parametrize("name", MODELS.names)
def test_tokens_after_the_end_are_ignored(name: str) -> None:
    model, features = tiny(name)
    encoded, length, image = model.encode(features), torch.tensor([2]), torch.tensor([0])
    one = model.sequence_log_prob(encoded, torch.tensor([[3, 4, 0, 0]]), length, image)
    other = model.sequence_log_prob(encoded, torch.tensor([[3, 4, 7, 8]]), length, image)
    assert torch.equal(one, other)


@pytest.mark.parametrize("name", MODELS.names)
def test_next_token_probabilities_sum_to_one(name: str) -> None:
    model, features = tiny(name)
    encoded = model.encode(features)
    log_probs, _ = model.step(
        encoded, torch.arange(3), model.initial_state(encoded), torch.full((3,), model.config.start_token)
    )
    assert log_probs.shape == (3, VOCABULARY)
    assert log_probs.exp().sum(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("name", ["adaptive-attention", "transformer"])
def test_padding_regions_do_not_change_log_probs(name: str) -> None:
    model, features = tiny(name)
    words, lengths = torch.tensor([[3, 4, 5], [6, 2, 0], [7, 0, 0]]), torch.tensor([3, 2, 0])
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    padded = ImageFeatures(features.pooled, features.grid.masked_fill(~mask.unsqueeze(2), 0), mask)
    together = model.sequence_log_prob(model.encode(padded), words, lengths, torch.arange(3))
    for image, count in enumerate(mask.sum(1).tolist()):
        own = ImageFeatures(features.pooled[image : image + 1], features.grid[image : image + 1, :count])
        row = slice(image, image + 1)
        alone = model.sequence_log_prob(model.encode(own), words[row], lengths[row], torch.tensor([0]))
        assert together[image].item() == pytest.approx(alone.item(), abs=1e-5)
        assert together[image].item() == pytest.approx(
            stepwise_log_prob(model, padded, image, words[image, : lengths[image]].tolist()), abs=1e-5
        )


@pytest.mark.parametrize("name", MODELS.names)
def test_forward_is_sequence_log_prob_from_features(name: str) -> None:
    model, features = tiny(name)
    given = torch.tensor([[3, 4], [6, 0]]), torch.tensor([2, 1]), torch.tensor([0, 2])
    assert torch.equal(model(features, *given), model.sequence_log_prob(model.encode(features), *given))


def test_neuraltalk2_applies_a_relu_to_the_image() -> None:
    model, features = tiny("neuraltalk2")
    torch.nn.init.constant_(model.image.bias, -100)
    assert torch.equal(model.encode(features).h[0], model.encode(features).h[1])
    before = build_tiny_model("neuraltalk2", VOCABULARY, LONGEST, image_relu=False)
    before.load_state_dict(model.state_dict())
    assert not torch.equal(before.encode(features).h[0], before.encode(features).h[1])


def test_adaptive_attention_applies_dropout_like_its_authors() -> None:
    model, features = tiny("adaptive-attention")
    model.train()
    dropped = []
    model.dropout.register_forward_hook(lambda module, inputs, output: dropped.append(tuple(output.shape)))
    encoded = model.encode(features)
    model.step(encoded, torch.arange(3), model.initial_state(encoded), torch.full((3,), model.config.start_token))
    overview, word, regions, hidden = (3, 8), (3, 8), (3, 4, 12), (3, 12)
    # The last six: raw and projected sentinel, LSTM output, its projection, attention to the sentinel, output layer.
    assert dropped == [overview, regions, word, *[hidden] * 6]


def test_dropout_applies_to_the_hidden_layer_of_attention() -> None:
    model, features = tiny("adaptive-attention")
    words, length, image = torch.tensor([[3, 4]]), torch.tensor([2]), torch.tensor([0])
    for part in model.modules():
        part.training = part is model  # turn all other dropout off
    log_probs = {model.sequence_log_prob(model.encode(features), words, length, image).item() for _ in range(5)}
    assert len(log_probs) == 5


@pytest.mark.parametrize("name", MODELS.names)
def test_every_weight_has_a_gradient(name: str) -> None:
    model, features = tiny(name)
    words = torch.tensor([[3, 4, 5], [6, 0, 0]])
    model.sequence_log_prob(model.encode(features), words, torch.tensor([3, 1]), torch.tensor([0, 2])).sum().backward()
    without_gradient = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert without_gradient == []
