"""Attention from the tokens of captions to the tokens of their images, grouped by image."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from clcap_cli.models.prefixes import Prefixes

CHUNK_IMAGES = 32


def attend_to_images(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, image_index: Tensor) -> Tensor:
    """Attention outputs (W, H, E) of W queries (W, H, D), each attending to the tokens of its own image.

    ``keys`` are (N, H, R, D), ``values`` (N, H, R, E), ``mask`` (N, R) is False for padding, and ``image_index`` (W,)
    is the image of each query. Keys and values are never copied for each query.
    """

    def attend(group: Tensor, rows: Tensor, present: Tensor) -> Tensor:
        attn_mask = mask[group, None, None]  # (n, 1, 1, R)
        return scaled_dot_product_attention(_by_image(query, rows), keys[group], values[group], attn_mask=attn_mask)

    return _grouped(attend, image_index, len(keys), query.new_empty(0, query.shape[1], values.shape[3]))


def attend_to_images_and_tree(
    query: Tensor,
    images: tuple[Tensor, Tensor, Tensor],
    tokens: tuple[Tensor, Tensor],
    prefixes: Prefixes,
    tree_path: Tensor,
) -> Tensor:
    """Attention outputs (W, H, D) of W prefixes to their image and to the tokens of the prefix, in one softmax.

    ``images`` are keys and values (N, H, R, D) and a mask (N, R), ``tokens`` are keys and values (W, H, D), and
    ``tree_path`` (W, S) is the prefix at each step of the path to each prefix, -1 at later steps.
    """
    (keys, values, mask), (own_keys, own_values), time_step = images, tokens, prefixes.time_step

    def attend(group: Tensor, rows: Tensor, present: Tensor) -> Tensor:
        step = time_step[rows].unsqueeze(1).expand(-1, rows.shape[1], -1)
        is_ancestor = tree_path[rows].gather(2, step) == rows.unsqueeze(1)  # (n, M, M)
        of_image = mask[group].unsqueeze(1).expand(-1, rows.shape[1], -1)
        attn_mask = torch.cat([of_image, is_ancestor & present.unsqueeze(1)], dim=2)
        all_keys = torch.cat([keys[group], _by_image(own_keys, rows)], dim=2)
        all_values = torch.cat([values[group], _by_image(own_values, rows)], dim=2)
        return scaled_dot_product_attention(
            _by_image(query, rows), all_keys, all_values, attn_mask=attn_mask.unsqueeze(1)
        )

    return _grouped(attend, prefixes.image, len(keys), query[:0])


def attend_to_images_and_cache(
    query: Tensor,
    images: tuple[Tensor, Tensor, Tensor],
    cached_keys: Tensor,
    cached_values: Tensor,
    image_index: Tensor,
) -> Tensor:
    """Attention outputs (B, H, D) of B queries (B, H, D) to their image and to cached tokens, in one softmax.

    ``images`` are keys and values (N, H, R, D) and a mask (N, R); cached keys and values are (B, H, t, D).
    """
    keys, values, mask = images
    query = query / math.sqrt(query.shape[-1])
    text_scores = (query.unsqueeze(2) @ cached_keys.transpose(2, 3)).squeeze(2)  # (B, H, t)

    def attend(group: Tensor, rows: Tensor, present: Tensor) -> Tensor:
        scores = _by_image(query, rows) @ keys[group].transpose(2, 3)  # (n, H, M, R)
        scores = scores.masked_fill(~mask[group, None, None], -torch.inf)
        weights = torch.cat([scores, _by_image(text_scores, rows)], dim=3).softmax(3)
        of_image, of_text = weights.split([scores.shape[3], text_scores.shape[2]], dim=3)
        attended = (of_text.transpose(1, 2).unsqueeze(3) @ cached_values[rows]).squeeze(3)  # (n, M, H, D)
        return of_image @ values[group] + attended.transpose(1, 2)

    return _grouped(attend, image_index, len(keys), query[:0])


def _by_image(vectors: Tensor, rows: Tensor) -> Tensor:
    """(n, H, M, …) of the ``rows`` (n, M) of ``vectors`` (W, H, …)."""
    return vectors[rows].transpose(1, 2)


def _grouped(
    attend: Callable[[Tensor, Tensor, Tensor], Tensor], image_index: Tensor, images: int, empty: Tensor
) -> Tensor:
    """Attention outputs (W, H, E) of queries whose images are ``image_index`` (W,), computed for groups of images.

    ``attend`` gives the outputs (n, H, M, E) of a group, from its images (n,), the rows of their queries (n, M), and a
    mask (n, M) that is False for padding. ``empty`` are outputs without rows.
    """
    order = image_index.argsort(stable=True)
    outputs, positions = [empty], [order[:0]]
    for group, position, present in _groups(image_index.bincount(minlength=images).tolist(), order.device):
        rows = order[position]
        outputs.append(attend(group, rows, present).transpose(1, 2)[present])
        positions.append(rows[present])
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
