"""Text parts of captioners of Hugging Face compute what the library computes, in training, decoding and retrieval."""

import pytest
import torch
from torch import Tensor

from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints
from clcap_cli.retrieval.search import find_ranks, score_matrix
from tests.hugging_face.tiny_models import FAMILIES, save_tiny
from tests.models.hugging_face.whole_model import IMAGE_SIZE, LONGEST, WholeModel, open_whole
from tests.retrieval.in_memory import InMemoryFeatures

WORDS = ["a", "the", "dog", "cat", "red", "blue", "runs", "sits", "on", "grass"]
CAPTIONS = [[5, 6, 7, 8, 9], [5, 6], [], [5, 6, 7, 8, 9], [5, 6, 10], [7, 7, 7, 7, 7, 7], [9]]
IMAGES = [0, 0, 1, 2, 0, 1, 2]
PROMPT = (6, 9)
TOLERANCE = 2e-5

CASES = [(family, size, prompt) for family in FAMILIES for size, prompt in ((32, ()), (48, PROMPT))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'prompt' if case[2] else 'plain'}", scope="module")
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeModel:
    """Each family, also with an encoder of another width than its decoder and with a prompt."""
    family, vision_hidden_size, prompt = request.param
    folder = save_tiny(family, tmp_path_factory.mktemp(family), WORDS, vision_hidden_size=vision_hidden_size)
    return open_whole(family, folder, prompt)


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(3, 3, IMAGE_SIZE, IMAGE_SIZE)


def padded(captions: list[list[int]]) -> tuple[Tensor, Tensor]:
    tokens = torch.zeros(len(captions), max(1, *map(len, captions), 1), dtype=torch.int64)
    for row, caption in enumerate(captions):
        tokens[row, : len(caption)] = torch.tensor(caption, dtype=torch.int64)
    return tokens, torch.tensor([len(caption) for caption in captions])


@torch.no_grad()
def test_log_probs_are_those_of_the_library(whole: WholeModel, pixels: Tensor) -> None:
    found = whole.text_part(whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES))
    assert torch.allclose(found, whole.log_probs(pixels, CAPTIONS, IMAGES), atol=TOLERANCE)


@torch.no_grad()
def test_a_caption_alone_has_the_same_log_prob(whole: WholeModel, pixels: Tensor) -> None:
    features = whole.features(pixels)
    together = whole.text_part(features, *padded(CAPTIONS), torch.tensor(IMAGES))
    for row, image in enumerate(IMAGES):
        alone = whole.text_part(features[image : image + 1], *padded([CAPTIONS[row]]), torch.tensor([0]))
        assert torch.allclose(alone, together[row], atol=TOLERANCE)


def test_gradients_are_those_of_the_library(whole: WholeModel, pixels: Tensor) -> None:
    own = whole.text_part
    own.zero_grad()
    own(whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES)).sum().backward()
    whole.model.zero_grad()
    whole.log_probs(pixels, CAPTIONS, IMAGES).sum().backward()
    expected = dict(whole.model.named_parameters())
    for name, weight in own.named_parameters():
        gradient = expected[name.removeprefix("network.")].grad
        largest = gradient.abs().max()
        assert torch.allclose(weight.grad, gradient, atol=1e-5 * float(largest) + 1e-6), name


def test_checkpointed_layers_give_the_same_gradients(whole: WholeModel, pixels: Tensor) -> None:
    own, found = whole.text_part, []
    for own.checkpoints_layers in (False, True):
        own.zero_grad()
        own(whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES)).sum().backward()
        found.append([weight.grad.clone() for weight in own.parameters()])
    own.checkpoints_layers = False
    assert all(map(torch.equal, *found))


@torch.no_grad()
def test_generated_captions_and_scores_are_those_of_generate(whole: WholeModel, pixels: Tensor) -> None:
    """The scores of ``generate`` are also ln p with teacher forcing."""
    own, config, beam = whole.text_part, whole.text_part.config, 3
    before = [*config.prompt, config.start_token]
    generated = whole.generate(
        pixels,
        before,
        num_beams=beam,
        length_penalty=0.0,
        early_stopping="never",
        max_new_tokens=LONGEST,
        return_dict_in_generate=True,
        output_scores=True,
    )
    features = whole.features(pixels)
    found = beam_search(own, own.encode(features), beam, Constraints(config.end_token, 0, LONGEST - 1))
    for row in range(len(pixels)):
        tokens = generated.sequences[row, len(before) :].tolist()
        expected = tokens[: tokens.index(config.end_token)] if config.end_token in tokens else tokens
        if len(expected) == LONGEST:  # cut off by the library, while clcap ends its captions
            continue
        assert found.captions[row, : found.lengths[row]].tolist() == expected
        assert found.log_probs[row] == pytest.approx(float(generated.sequences_scores[row]), abs=1e-4)
    forced = own(features, found.captions, found.lengths, torch.arange(len(pixels)))
    assert torch.allclose(forced, found.log_probs, atol=TOLERANCE)


@torch.no_grad()
def test_scores_of_the_prefix_tree_are_dense_scores(whole: WholeModel, pixels: Tensor) -> None:
    own, features = whole.text_part, whole.features(pixels)
    captions, lengths = padded([CAPTIONS[row] for row in (0, 4, 5)])
    dense = torch.stack([whole.log_probs(pixels, [CAPTIONS[row]] * 3, [0, 1, 2]) for row in (0, 4, 5)])
    found = score_matrix(own, InMemoryFeatures(features), captions, lengths)
    assert torch.allclose(found, dense, atol=TOLERANCE)
    better = find_ranks(own, InMemoryFeatures(features), captions, lengths).ranks.better
    assert better.tolist() == [int((row > row[image]).sum()) for image, row in enumerate(dense)]


@torch.no_grad()
def test_state_dicts_have_tied_weights_once(whole: WholeModel) -> None:
    own = whole.text_part
    weights = own.state_dict()
    assert len({value.data_ptr() for value in weights.values()}) == len(weights)
    assert weights.keys() == dict(own.named_parameters()).keys()


def test_a_block_of_images_is_limited_by_memory(whole: WholeModel) -> None:
    """Keys and values of BLIP-base take 42 MB an image."""
    own = whole.text_part
    encoded = own.encode(whole.features(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE)))
    assert own.encoded_size == encoded.keys.numel() + encoded.values.numel()
