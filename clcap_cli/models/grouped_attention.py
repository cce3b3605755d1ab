"""Attention from the tokens of captions to the tokens of their images, grouped by image."""

import math
from collections.abc import Iterator

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
    keys, values, mask = images
    order, time_step = prefixes.image.argsort(stable=True), prefixes.time_step
    outputs, positions = [query.new_empty(0, *query.shape[1:])], [order[:0]]
    for group, position, present in _groups(prefixes.image.bincount(minlength=len(keys)).tolist(), query.device):
        rows = order[position]  # (n, M)
        step = time_step[rows].unsqueeze(1).expand(-1, rows.shape[1], -1)
        is_ancestor = tree_path[rows].gather(2, step) == rows.unsqueeze(1)  # (n, M, M)
        is_ancestor &= present.unsqueeze(1)
        attn_mask = torch.cat([mask[group].unsqueeze(1).expand(-1, rows.shape[1], -1), is_ancestor], dim=2)
        grouped_query, own_keys, own_values = (part[rows].transpose(1, 2) for part in (query, *tokens))
        attended = scaled_dot_product_attention(
            grouped_query,
            torch.cat([keys[group], own_keys], dim=2),
            torch.cat([values[group], own_values], dim=2),
            attn_mask=attn_mask.unsqueeze(1),
        )
        outputs.append(attended.transpose(1, 2)[present])
        positions.append(rows[present])
    return torch.cat(outputs)[torch.cat(positions).argsort()]


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
    order, size = image_index.argsort(stable=True), keys.shape[2]
    outputs, positions = [query.new_empty(0, *query.shape[1:])], [order[:0]]
    for group, position, present in _groups(image_index.bincount(minlength=len(keys)).tolist(), query.device):
        rows = order[position]  # (n, M)
        scores = query[rows].transpose(1, 2) @ keys[group].transpose(2, 3)  # (n, H, M, R)
        scores = scores.masked_fill(~mask[group, None, None], -torch.inf)
        weights = torch.cat([scores, text_scores[rows].transpose(1, 2)], dim=3).softmax(3)
        text_weights = weights[..., size:].transpose(1, 2)[present].unsqueeze(2)  # (present, H, 1, t)
        of_image = (weights[..., :size] @ values[group]).transpose(1, 2)[present]
        outputs.append(of_image + (text_weights @ cached_values[rows[present]]).squeeze(2))
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
