import itertools
from collections import Counter

import pytest
import torch

from clcap_cli.decoding.sampling import logits_warper, sample, sampling_noise
from clcap_cli.decoding.settings import SMALLEST, DecodingSettings
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

END, UNK = 0, 1


def tiny_model(name: str, words: int, longest: int) -> tuple[Captioner, ImageFeatures]:
    torch.manual_seed(1)
    model = build_tiny_model(name, words, longest)
    with torch.no_grad():
        model.output.weight.mul_(6)
    return model, ImageFeatures(torch.randn(3, 7), torch.randn(3, 4, 5))


def noise(longest: int, k: int, seed: int = 0) -> torch.Tensor:
    """Noise for k captions of the three images of ``tiny_model``."""
    return sampling_noise(longest, k, 3, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", MODELS.names)
def test_frequencies_match_probabilities(name: str) -> None:
    words, longest, k = 4, 2, 20_000
    model, features = tiny_model(name, words, longest)
    encoded = model.encode(features)
    every = [list(c) for n in range(longest + 1) for c in itertools.product(range(1, words), repeat=n)]
    tokens = torch.tensor([caption + [END] * (longest - len(caption)) for caption in every])
    lengths = torch.tensor([len(caption) for caption in every])
    samples = sample(model, encoded, k, noise(longest, k))
    drawn = samples.captions.view(k, 3, longest)
    for image in range(3):
        counts = Counter(map(tuple, drawn[:, image].tolist()))
        which = torch.full((len(every),), image)
        with_end = model.sequence_log_prob(encoded, tokens, lengths, which).exp().tolist()
        # Captions are cut at max_length, so the probability of the longest ones does not include the end token.
        whole = [
            p / end_probability(model, encoded, image, c) if len(c) == longest else p
            for p, c in zip(with_end, every, strict=True)
        ]
        assert sum(whole) == pytest.approx(1, abs=1e-4)
        expected = [k * p for p in whole]
        seen = [counts[tuple(row)] for row in tokens.tolist()]
        assert sum(seen) == k
        squared = sum((a - b) ** 2 / b for a, b in zip(seen, expected, strict=True))
        assert squared < 32.9  # chi-square with 12 degrees of freedom: the 99.9th percentile


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_the_smallest_value_chooses_the_likeliest(name: str) -> None:
    log_probs = torch.tensor([[-1e3, -2.0, -1.0], [-1e3, -1.0, float("-inf")]])
    warped = logits_warper(DecodingSettings(**{name: SMALLEST}))(log_probs)
    assert warped.softmax(1).tolist() == [[0, 0, 1], [0, 1, 0]]


def end_probability(model: Captioner, encoded: object, image: int, words: list[int]) -> float:
    """p of the end token after these words."""
    own = torch.tensor([image])
    state, last = model.initial_state(encoded)[own], torch.tensor([model.config.start_token])
    for word in words:
        _, state = model.step(encoded, own, state, last)
        last = torch.tensor([word])
    return float(model.step(encoded, own, state, last)[0][0, END].exp().detach())


@pytest.mark.parametrize("name", MODELS.names)
def test_samples_have_the_log_probs_of_whole_captions(name: str) -> None:
    model, features = tiny_model(name, 9, 6)
    encoded = model.encode(features)
    samples = sample(model, encoded, 5, noise(6, 5))
    assert len(set(samples.lengths.tolist())) > 2
    log_probs = model.sequence_log_prob(encoded, samples.captions, samples.lengths, torch.arange(3).repeat(5))
    assert samples.log_probs.tolist() == pytest.approx(log_probs.tolist(), abs=1e-4)


@pytest.mark.parametrize("name", MODELS.names)
def test_same_seed_same_captions(name: str) -> None:
    model, features = tiny_model(name, 9, 6)
    encoded = model.encode(features)
    first, again, other = (sample(model, encoded, 5, noise(6, 5, seed)) for seed in (1, 1, 2))
    assert torch.equal(first.captions, again.captions) and torch.equal(first.log_probs, again.log_probs)
    assert not torch.equal(first.captions, other.captions)


def test_captions_end_at_the_maximum_length() -> None:
    model, features = tiny_model("neuraltalk2", 9, 6)
    with torch.no_grad():
        model.output.bias[END] = -50
    samples = sample(model, model.encode(features), 4, noise(6, 4))
    assert samples.lengths.tolist() == [6] * 12
    assert (samples.captions != END).all()


def test_padding_is_the_end_token_and_unknown_can_be_sampled() -> None:
    model, features = tiny_model("neuraltalk2", 5, 6)
    samples = sample(model, model.encode(features), 50, noise(6, 50))
    after = torch.arange(6) >= samples.lengths.unsqueeze(1)
    assert (samples.captions[after] == END).all()
    assert (samples.captions[~after] != END).all()
    assert (samples.captions == UNK).any()


def test_a_caption_does_not_depend_on_the_images_that_it_is_sampled_with() -> None:
    model, features = tiny_model("neuraltalk2", 9, 6)
    together = sample(model, model.encode(features), 2, noise(6, 2))
    alone = sample(model, model.encode(features[1:2]), 2, noise(6, 2)[..., 1:2])
    assert torch.equal(together.captions[[1, 4]], alone.captions)
