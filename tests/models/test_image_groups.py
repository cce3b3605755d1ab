import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.models.image_groups import image_groups, with_padding_row


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 60))
def test_every_token_is_in_one_group_with_its_image(counts: list[int], max_tokens: int) -> None:
    total = sum(counts)
    image = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts, dtype=torch.int64))
    seen = []
    for images, positions in image_groups(counts, max_tokens, torch.device("cpu")):
        rows = torch.arange(images.start, images.stop).unsqueeze(1).expand_as(positions)
        present = positions < total
        assert torch.equal(image[positions[present]], rows[present])
        assert 2 * present.sum() >= positions.numel()
        assert len(rows) == 1 or positions.numel() <= max_tokens
        seen += positions[present].tolist()
    assert seen == list(range(total))


@pytest.mark.parametrize(
    ("counts", "images"),
    [([5, 6, 5], [3]), ([30, 31, 2, 1], [1, 1, 2]), ([1, 20, 1], [1, 1, 1]), ([0, 0, 4], [1])],
)
def test_images_with_similar_numbers_of_tokens_are_grouped(counts: list[int], images: list[int]) -> None:
    groups = image_groups(counts, 32, torch.device("cpu"))
    assert [group.stop - group.start for group, _ in groups] == images


def test_the_padding_row_is_zero() -> None:
    assert with_padding_row(torch.ones(2, 3)).tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
