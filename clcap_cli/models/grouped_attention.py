"""Cross-attention from the tokens of captions to the tokens of their images, grouped by image."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

CHUNK_IMAGES = 32


def attend_to_images(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, image_index: Tensor) -> Tensor:
    """Attention outputs (W, H, E) of W queries (W, H, D), each attending to the tokens of its own image.

    ``keys`` are (N, H, R, D), ``values`` (N, H, R, E), ``mask`` (N, R) is False for padding, and ``image_index`` (W,)
    is the image of each query. Keys and values are never copied for each query.
    """
    order = image_index.argsort(stable=True)
    query = query[order]
    outputs, positions = [query.new_empty(0, query.shape[1], values.shape[3])], [order[:0]]
    for images, position, present in _groups(image_index.bincount(minlength=len(keys)).tolist(), query.device):
        grouped_query = query[position].transpose(1, 2)  # (n, H, M, D)
        attn_mask = mask[images, None, None]  # (n, 1, 1, R)
        attended = scaled_dot_product_attention(grouped_query, keys[images], values[images], attn_mask=attn_mask)
        outputs.append(attended.transpose(1, 2)[present])
        positions.append(order[position[present]])
    return torch.cat(outputs)[torch.cat(positions).argsort()]


def _groups(counts: list[int], device: torch.device) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Groups of n images with similar numbers of queries, at most M each.

    Yields the images (n,), the positions of their queries (n, M), and a mask (n, M) that is False for padding.
    """
    count = torch.tensor(counts)
    first = count.cumsum(0) - count
    by_count = count.argsort(stable=True)
    for images in by_count[count[by_count] > 0].split(CHUNK_IMAGES):
        offset = torch.arange(int(count[images].max()))
        present = offset < count[images, None]
        position = (first[images, None] + offset).where(present, first[images, None])
        yield images.to(device), position.to(device), present.to(device)
