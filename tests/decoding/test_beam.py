import itertools

import pytest
import torch

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

END, UNK = 0, 1
CONSTRAINTS = Constraints(END, 0, 6, (UNK,))


def peaked_model(name: str, words: int, longest: int, seed: int) -> tuple[Captioner, ImageFeatures]:
    """A model with peaked distributions, so that searches differ."""
    torch.manual_seed(seed)
    model = build_tiny_model(name, words, longest)
    with torch.no_grad():
        model.output.weight.mul_(12)
    return model, ImageFeatures(torch.randn(9, 7), torch.randn(9, 4, 5))


def greedy_search(model: Captioner, features: ImageFeatures, image: int) -> list[int]:
    encoded = model.encode(features)[torch.tensor([image])]
    state, own = model.initial_state(encoded), torch.tensor([0])
    words, last = [], torch.tensor([model.config.start_token])
    while len(words) < model.config.max_length:
        log_probs, state = model.step(encoded, own, state, last)
        log_probs[:, UNK] = -torch.inf
        last = log_probs.argmax(dim=1)
        if last.item() == END:
            break
        words.append(last.item())
    return words


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy_search(name: str, seed: int) -> None:
    model, features = peaked_model(name, 9, 6, seed)
    decoded = beam_search(model, model.encode(features), 1, CONSTRAINTS)
    for image, (words, length) in enumerate(zip(decoded.captions.tolist(), decoded.lengths.tolist(), strict=True)):
        assert words[:length] == greedy_search(model, features, image)


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize("beam", [1, 2, 3, 7])
def test_samples_have_the_log_probs_of_whole_captions(name: str, beam: int) -> None:
    model, features = peaked_model(name, 9, 6, 1)
    encoded = model.encode(features)
    decoded = beam_search(model, encoded, beam, CONSTRAINTS)
    log_probs = model.sequence_log_prob(encoded, decoded.captions.clone(), decoded.lengths.clone(), torch.arange(9))
    assert decoded.log_probs.tolist() == pytest.approx(log_probs.tolist(), abs=1e-4)


@pytest.mark.parametrize("name", MODELS.names)
def test_an_exhaustive_beam_finds_the_likeliest_caption(name: str) -> None:
    words, longest = 5, 3
    model, features = peaked_model(name, words, longest, 2)
    allowed = [word for word in range(words) if word not in (END, UNK)]
    every = [list(c) for n in range(longest + 1) for c in itertools.product(allowed, repeat=n)]
    tokens = torch.tensor([caption + [END] * (longest - len(caption)) for caption in every])
    lengths = torch.tensor([len(caption) for caption in every])
    encoded = model.encode(features)
    decoded = beam_search(model, encoded, len(every), Constraints(END, 0, longest, (UNK,)))
    for image in range(9):
        log_probs = model.sequence_log_prob(encoded, tokens, lengths, torch.full((len(every),), image))
        assert float(decoded.log_probs[image]) == pytest.approx(log_probs.max().item(), abs=1e-4)


@pytest.mark.parametrize("name", MODELS.names)
def test_captions_do_not_depend_on_other_images_of_the_batch(name: str) -> None:
    model, features = peaked_model(name, 9, 6, 3)
    together = beam_search(model, model.encode(features), 3, CONSTRAINTS)
    for image in range(9):
        alone = beam_search(model, model.encode(features[torch.tensor([image])]), 3, CONSTRAINTS)
        assert torch.equal(alone.captions[0], together.captions[image])


def test_excluded_tokens_are_never_generated() -> None:
    model, features = peaked_model("neuraltalk2", 9, 6, 0)
    with torch.no_grad():
        model.output.bias[UNK] = 50
    decoded = beam_search(model, model.encode(features), 3, CONSTRAINTS)
    assert not (decoded.captions == UNK).any()
