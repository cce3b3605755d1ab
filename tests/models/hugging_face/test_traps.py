"""What goes wrong silently in captioners of Hugging Face, and that clcap does not do it."""

import pytest
import torch
from torch import Tensor

from tests.hugging_face.tiny_models import save_tiny
from tests.models.hugging_face.test_invariants import CAPTIONS, IMAGES, TOLERANCE, WORDS, padded
from tests.models.hugging_face.whole_model import IMAGE_SIZE, WholeModel, open_whole

DROPOUT = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    torch.manual_seed(2)
    return torch.randn(3, 3, IMAGE_SIZE, IMAGE_SIZE)


def opened(family: str, tmp_path_factory: pytest.TempPathFactory, **changes: object) -> WholeModel:
    return open_whole(family, save_tiny(family, tmp_path_factory.mktemp(family), WORDS), **changes)


@torch.no_grad()
def test_git_counts_positions_of_text_from_zero(tmp_path_factory: pytest.TempPathFactory, pixels: Tensor) -> None:
    """With image tokens in a cache, the library counts on after them unless it is given positions."""
    whole = opened("git", tmp_path_factory)
    own, expected = whole.text_part, whole.log_probs(pixels, CAPTIONS, IMAGES)
    assert torch.allclose(
        own(whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES)), expected, atol=TOLERANCE
    )
    embed = own.decoder.embed
    own.decoder.embed = lambda tokens, positions: embed(tokens, positions + own.config.regions)  # type: ignore[method-assign]
    shifted = own(whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES))
    assert not torch.allclose(shifted, expected, atol=0.01)


@torch.no_grad()
def test_git_predicts_only_text(tmp_path_factory: pytest.TempPathFactory, pixels: Tensor) -> None:
    """The library's logits begin with those of the image tokens."""
    whole = opened("git", tmp_path_factory)
    own, start = whole.text_part, torch.tensor([[whole.text_part.config.start_token]])
    logits = whole.model(input_ids=start, pixel_values=pixels[:1]).logits
    assert logits.shape[1] == own.config.regions + 1
    encoded = own.encode(whole.features(pixels[:1]))
    found, _ = own.step(encoded, torch.tensor([0]), own.initial_state(encoded), start[0])
    assert torch.allclose(found, logits[:, -1].log_softmax(1), atol=TOLERANCE)


@torch.no_grad()
def test_text_does_not_change_image_tokens_of_git(tmp_path_factory: pytest.TempPathFactory, pixels: Tensor) -> None:
    """Image tokens attend only to each other, so an image is encoded once for all of its captions."""
    whole = opened("git", tmp_path_factory)
    hidden = [
        whole.model(input_ids=torch.tensor([ids]), pixel_values=pixels[:1], output_hidden_states=True).hidden_states
        for ids in ([2, 5, 6, 7], [2, 9])
    ]
    regions = whole.text_part.config.regions
    for first, second in zip(*hidden, strict=True):
        assert torch.allclose(first[:, :regions], second[:, :regions], atol=TOLERANCE)


@pytest.mark.parametrize("family", ["git", "vision-encoder-decoder"])
def test_a_model_in_training_mode_drops_nothing_without_dropout(
    family: str, tmp_path_factory: pytest.TempPathFactory, pixels: Tensor
) -> None:
    """GIT and GPT-2 have dropout by default, which moves ln p of a model in training mode."""
    whole = opened(family, tmp_path_factory)
    own, arguments = whole.text_part, (whole.features(pixels), *padded(CAPTIONS), torch.tensor(IMAGES))
    expected = own(*arguments)
    assert torch.equal(own.train()(*arguments), expected)
    torch.manual_seed(0)
    assert not torch.allclose(whole.model.train()(**_inputs(whole, pixels)).logits, _logits_in_eval(whole, pixels))


def _inputs(whole: WholeModel, pixels: Tensor) -> dict[str, Tensor]:
    name = "input_ids" if whole.family == "git" else "decoder_input_ids"
    return {"pixel_values": pixels[:1], name: torch.tensor([[2, 5, 6]])}


@torch.no_grad()
def _logits_in_eval(whole: WholeModel, pixels: Tensor) -> Tensor:
    return whole.model.eval()(**_inputs(whole, pixels)).logits


@torch.no_grad()
@pytest.mark.parametrize("family", ["blip", "git", "vision-encoder-decoder"])
def test_padding_is_masked_by_length(family: str, tmp_path_factory: pytest.TempPathFactory, pixels: Tensor) -> None:
    """GPT-2 pads with its end token, and BLIP does not mask padding: what follows a caption must not matter."""
    whole = opened(family, tmp_path_factory)
    own, (tokens, lengths) = whole.text_part, padded(CAPTIONS)
    expected = own(whole.features(pixels), tokens, lengths, torch.tensor(IMAGES))
    after = torch.arange(tokens.shape[1]) >= lengths.unsqueeze(1)
    for padding in (own.config.end_token, own.config.start_token, 7):
        filled = tokens.masked_fill(after, padding)
        assert torch.equal(own(whole.features(pixels), filled, lengths, torch.tensor(IMAGES)), expected)


@torch.no_grad()
def test_the_end_token_within_a_caption_is_a_token(tmp_path_factory: pytest.TempPathFactory, pixels: Tensor) -> None:
    """GPT-2 starts, ends and pads with one token."""
    whole = opened("vision-encoder-decoder", tmp_path_factory)
    end = whole.text_part.config.end_token
    captions = [[5, end, 6], [end], [5, end]]
    found = whole.text_part(whole.features(pixels), *padded(captions), torch.tensor([0, 1, 2]))
    assert torch.allclose(found, whole.log_probs(pixels, captions, [0, 1, 2]), atol=TOLERANCE)


@torch.no_grad()
@pytest.mark.parametrize("family", ["blip", "vision-encoder-decoder"])
def test_the_library_agrees_where_its_loss_is_right(
    family: str, tmp_path_factory: pytest.TempPathFactory, pixels: Tensor
) -> None:
    """The mean loss of a caption is -ln p / tokens where a model shifts labels once; padding is avoided here."""
    whole = opened(family, tmp_path_factory)
    config, caption = whole.text_part.config, CAPTIONS[0]
    own = whole.text_part(whole.features(pixels[:1]), *padded([caption]), torch.tensor([0]))
    labels = torch.tensor([[*caption, config.end_token]])
    if family == "blip":
        ids = torch.tensor([[config.start_token, *caption, config.end_token]])
        hidden = whole.model.vision_model(pixels[:1]).last_hidden_state
        whole.model.text_decoder.label_smoothing = 0.0
        loss = whole.model.text_decoder(ids, encoder_hidden_states=hidden, labels=ids).loss
    else:
        whole.model.config.pad_token_id = config.end_token
        loss = whole.model(pixel_values=pixels[:1], labels=labels).loss
    assert float(-own / labels.numel()) == pytest.approx(float(loss), abs=1e-4)
