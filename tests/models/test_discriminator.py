import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig
from clcap_cli.models.rows import ImageFeatures

VOCABULARY, LONGEST = 11, 6
FEATURES = ImageFeatures(torch.randn(3, 7, generator=torch.Generator().manual_seed(0)), torch.zeros(3, 0, 0))


def tiny() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(VOCABULARY, 7, 8, 12))


def expected_logit(discriminator: Discriminator, words: list[int], image: int) -> float:
    """The inner product, computed token by token; the end token comes last."""
    state = discriminator.lstm.zero_state(1)
    for word in [*words, 0]:
        state = discriminator.lstm.step(discriminator.lstm.input(discriminator.words(torch.tensor([word]))), state)
    return float((state.h * discriminator.image(FEATURES.pooled[image])).sum().detach())


captions = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(1, VOCABULARY - 1), max_size=LONGEST)), min_size=1, max_size=6
)


@settings(max_examples=30)
@given(captions=captions)
def test_logit_is_the_inner_product_of_last_state_and_image(captions: list) -> None:
    discriminator = tiny()
    tokens = torch.zeros(len(captions), LONGEST, dtype=torch.int64)
    for row, (_, words) in enumerate(captions):
        tokens[row, : len(words)] = torch.tensor(words, dtype=torch.int64)
    lengths = torch.tensor([len(words) for _, words in captions])
    image = torch.tensor([image for image, _ in captions])
    expected = [expected_logit(discriminator, words, image) for image, words in captions]
    assert discriminator.logits(FEATURES, tokens, lengths, image).tolist() == pytest.approx(expected, abs=1e-5)


def test_tokens_after_the_end_are_ignored() -> None:
    length, image = torch.tensor([2]), torch.tensor([0])
    one, other = (tiny().logits(FEATURES, torch.tensor([words]), length, image) for words in ([3, 4, 0], [3, 4, 7]))
    assert torch.equal(one, other)


def test_a_truncated_caption_has_another_logit() -> None:
    captions, image = torch.tensor([[3, 4, 5]] * 2), torch.tensor([0, 0])
    whole, part = tiny().logits(FEATURES, captions, torch.tensor([3, 2]), image)
    assert whole != part


def test_every_weight_has_a_gradient() -> None:
    discriminator = tiny()
    captions, lengths, image = torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 2])
    discriminator.logits(FEATURES, captions, lengths, image).sum().backward()
    assert [name for name, value in discriminator.named_parameters() if not value.grad.any()] == []
