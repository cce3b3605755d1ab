"""Attention of caption tokens in one layer: of whole captions in training, and of one new token with a cache."""

import torch
from torch import Tensor

from clcap_cli.models.grouped_attention import attend_to_images, attend_to_images_and_cache, attend_to_images_and_tree
from clcap_cli.models.prefixes import Prefixes
from clcap_cli.models.self_attention import CachedAttention, ImageTokens, PrefixAttention


class CaptionAttention:
    """Attention in one layer of the tokens of whole captions, computed once for each distinct prefix."""

    def __init__(self, encoded: ImageTokens, layer: int, prefixes: Prefixes, tree_path: Tensor | None):
        """``tree_path`` is the path of each prefix in the tree of prefixes; needed by ``to_image_and_text``."""
        self.keys, self.values, self.mask = encoded.keys[:, layer], encoded.values[:, layer], encoded.mask
        self.prefixes, self.tree_path = prefixes, tree_path

    def to_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Attention."""
        return PrefixAttention(self.prefixes).attend(query, keys, values)

    def to_image(self, query: Tensor) -> Tensor:
        """See Attention."""
        return attend_to_images(query, self.keys, self.values, self.mask, self.prefixes.image)

    def to_image_and_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Attention."""
        assert self.tree_path is not None
        return attend_to_images_and_tree(
            query, (self.keys, self.values, self.mask), (keys, values), self.prefixes, self.tree_path
        )


class NextTokenAttention:
    """Attention in one layer of one new token for each prefix; ``cache`` gains the token's key and value."""

    def __init__(self, encoded: ImageTokens, layer: int, image_index: Tensor, cache: CachedAttention):
        self.keys, self.values, self.mask = encoded.keys[:, layer], encoded.values[:, layer], encoded.mask
        self.image_index, self.cache = image_index, cache

    def to_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Attention."""
        return self.cache.attend(query, keys, values)

    def to_image(self, query: Tensor) -> Tensor:
        """See Attention."""
        return attend_to_images(query, self.keys, self.values, self.mask, self.image_index)

    def to_image_and_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Attention."""
        self.cache.append(keys, values)
        images = (self.keys, self.values, self.mask)
        return attend_to_images_and_cache(query, images, self.cache.keys, self.cache.values, self.image_index)


def tree_paths(prefixes: Prefixes) -> Tensor:
    """(W, S) the prefix at each step of the path to each prefix, itself included; -1 at later steps."""
    steps = prefixes.at_step.shape[1]
    path = prefixes.at_step[torch.div(prefixes.first_place, steps, rounding_mode="floor")]
    later = torch.arange(steps, device=path.device) > prefixes.time_step.unsqueeze(1)
    return path.masked_fill(later, -1)
