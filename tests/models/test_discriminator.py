import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig
from clcap_cli.models.rows import ImageFeatures

WORDS, LONGEST = 11, 6
FEATURES = ImageFeatures(torch.randn(3, 7, generator=torch.Generator().manual_seed(0)), torch.zeros(3, 0, 0))


def tiny() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(WORDS, 7, 8, 12))


def alone(discriminator: Discriminator, words: list[int], image: int) -> float:
    """The inner product, word by word: END follows the words."""
    state = discriminator.lstm.zeros(1)
    for word in [*words, 0]:
        state = discriminator.lstm.step(discriminator.lstm.input(discriminator.words(torch.tensor([word]))), state)
    return float((state.h * discriminator.image(FEATURES.pooled[image])).sum().detach())


captions = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(1, WORDS - 1), max_size=LONGEST)), min_size=1, max_size=6
)


@settings(max_examples=30, deadline=None)
@given(captions=captions)
def test_a_score_is_the_inner_product_of_the_captions_last_state_and_its_image(captions: list) -> None:
    discriminator = tiny()
    tokens = torch.zeros(len(captions), LONGEST, dtype=torch.int64)
    for row, (_, words) in enumerate(captions):
        tokens[row, : len(words)] = torch.tensor(words, dtype=torch.int64)
    lengths = torch.tensor([len(words) for _, words in captions])
    image = torch.tensor([image for image, _ in captions])
    expected = [alone(discriminator, words, image) for image, words in captions]
    assert discriminator.scores(FEATURES, tokens, lengths, image).tolist() == pytest.approx(expected, abs=1e-5)


def test_what_stands_after_the_end_does_not_count() -> None:
    length, image = torch.tensor([2]), torch.tensor([0])
    one, other = (tiny().scores(FEATURES, torch.tensor([words]), length, image) for words in ([3, 4, 0], [3, 4, 7]))
    assert torch.equal(one, other)


def test_a_caption_that_breaks_off_scores_otherwise_than_the_whole() -> None:
    captions, image = torch.tensor([[3, 4, 5]] * 2), torch.tensor([0, 0])
    whole, part = tiny().scores(FEATURES, captions, torch.tensor([3, 2]), image)
    assert whole != part


def test_every_weight_learns() -> None:
    discriminator = tiny()
    captions, lengths, image = torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 2])
    discriminator.scores(FEATURES, captions, lengths, image).sum().backward()
    assert [name for name, value in discriminator.named_parameters() if not value.grad.any()] == []
