"""Attention of many tokens to the tokens of their images, of which every image has its own few."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

IMAGES_AT_ONCE = 32


def attend_to_images(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, image: Tensor) -> Tensor:
    """What each of W queries (W, H, D) reads of its image: (W, H, D).

    ``keys`` and ``values`` are (N, H, R, D), ``mask`` (N, R) says which of the R tokens an image has, and ``image``
    (W,) which image each query is about. Images are never copied for their queries.
    """
    order = image.argsort(stable=True)
    query = query[order]
    found, places = [query[:0]], [order[:0]]
    for images, place, there in _groups(image.bincount(minlength=len(keys)).tolist(), query.device):
        asked = query[place].transpose(1, 2)  # (n, H, M, D)
        allowed = mask[images, None, None]  # (n, 1, 1, R)
        read = scaled_dot_product_attention(asked, keys[images], values[images], attn_mask=allowed)
        found.append(read.transpose(1, 2)[there])
        places.append(order[place[there]])
    return torch.cat(found)[torch.cat(places).argsort()]


def _groups(counts: list[int], device: torch.device) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Images (n,) with about equally many queries, places of these among all (n, M), and which of the M there are."""
    count = torch.tensor(counts)
    first = count.cumsum(0) - count
    by_count = count.argsort(stable=True)
    for images in by_count[count[by_count] > 0].split(IMAGES_AT_ONCE):
        step = torch.arange(int(count[images].max()))
        there = step < count[images, None]
        place = (first[images, None] + step).where(there, first[images, None])
        yield images.to(device), place.to(device), there.to(device)
