import torch
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.retrieval.best_images import BestImages


@given(st.lists(st.lists(st.integers(-3, 0), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(1, 5))
def test_blocks_give_the_images_of_a_stable_sort(blocks: list[list[int]], count: int) -> None:
    best = BestImages.unknown(torch.zeros(2), count)
    first = 0
    for block in blocks:
        best = best.with_block(torch.tensor([block, [-value for value in block]]).float(), first)
        first += len(block)
    for row, sign in enumerate((1, -1)):
        scores = [sign * value for block in blocks for value in block]
        order = sorted(range(len(scores)), key=lambda image: -scores[image])[:count]
        unknown = count - len(order)
        assert best.image[row].tolist() == order + [-1] * unknown
        assert best.log_prob[row].tolist() == [scores[image] for image in order] + [float("-inf")] * unknown


def test_images_below_the_floor_are_not_among_the_best() -> None:
    best = BestImages.unknown(torch.zeros(1), 3).with_block(torch.tensor([[-torch.inf, -1, -torch.inf]]), 0)
    assert best.image.tolist() == [[1, -1, -1]]


def test_no_images_are_kept_unless_wanted() -> None:
    best = BestImages.unknown(torch.zeros(2), 0).with_block(torch.zeros(2, 3), 0)
    assert best.image.shape == (2, 0) and best.floor.tolist() == [torch.inf] * 2
