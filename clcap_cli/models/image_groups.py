"""Tokens of several images as a table with one row per image, padded to equal length."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from clcap_cli.compute.devices import copy_to_device


def with_padding_row(rows: Tensor) -> Tensor:
    """``rows`` (W, …) followed by a row of zeros, which stands for all padding: position W of ``image_groups``."""
    return pad(rows, (0, 0) * (rows.dim() - 1) + (0, 1))


def image_groups(tokens_per_image: list[int], max_tokens: int, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
    """Groups of n consecutive images with at most M tokens each: the images, and the positions of their tokens (n, M).

    The W tokens are ordered by image. Position W is padding: at most half of the positions of a group. A group of
    several images has at most ``max_tokens`` positions. Images without tokens may be left out.
    """
    count = copy_to_device(np.array(tokens_per_image), device)
    first, total = count.cumsum(0) - count, sum(tokens_per_image)
    for images, longest in _similar_images(tokens_per_image, max_tokens):
        offset = torch.arange(longest, device=device)
        yield images, (first[images, None] + offset).masked_fill_(offset >= count[images, None], total)


def _similar_images(tokens_per_image: list[int], max_tokens: int) -> Iterator[tuple[slice, int]]:
    """Groups of consecutive images, and the largest number of tokens of an image in each."""
    start = longest = total = 0
    for image, count in enumerate([*tokens_per_image, max_tokens + 1]):
        positions = max(longest, count) * (image + 1 - start)
        if positions > min(max_tokens, 2 * (total + count)):
            if longest:
                yield slice(start, image), longest
            start, longest, total = image, 0, 0
        longest, total = max(longest, count), total + count
