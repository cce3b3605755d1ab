"""Embedding many texts: each distinct text once, in batches of similar length, with progress."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from clcap_cli.console import print_warning, progress
from clcap_cli.errors import ClcapError

BATCH_SIZE = 64


def embed_in_batches(
    texts: Sequence[str],
    lengths: Callable[[Sequence[str]], Sequence[int]],
    embed: Callable[[Sequence[str]], np.ndarray],
    max_tokens: int,
    encoder: str,
) -> np.ndarray:
    """(texts, d) embeddings of unit length.

    ``lengths`` counts the tokens of texts and ``embed`` embeds a batch. A warning counts the texts of more than
    ``max_tokens`` tokens, of which ``encoder`` reads only the beginning.

    Raises ClcapError if an embedding is not finite.
    """
    distinct = list(dict.fromkeys(texts))
    tokens = np.array(lengths(distinct))
    if cut := sorted((tokens > max_tokens).nonzero()[0]):
        print_warning(
            f"texts cut to the {max_tokens} tokens that {encoder} reads: {len(cut):,} of {len(distinct):,} different "
            f"ones; the first: '{distinct[cut[0]][:60]}…'"
        )
    order = np.argsort(tokens, kind="stable")
    batches = [order[first : first + BATCH_SIZE] for first in range(0, len(order), BATCH_SIZE)]
    rows = [embed([distinct[position] for position in batch]) for batch in _shown(batches, encoder)]
    position = dict(zip((distinct[position] for position in order), range(len(order)), strict=True))
    return unit_length(np.concatenate(rows), encoder)[[position[text] for text in texts]]


def _shown(batches: Sequence[np.ndarray], encoder: str) -> Iterator[np.ndarray]:
    return progress(batches, len(batches), f"{encoder}, batches of {BATCH_SIZE} texts")


def unit_length(embeddings: np.ndarray, encoder: str) -> np.ndarray:
    """Embeddings (n, d) of ``encoder`` divided by their lengths, in float64.

    Raises ClcapError if one is not finite.
    """
    if not np.isfinite(embeddings).all():
        raise ClcapError(f"an embedding of {encoder} is not a finite number: its weights are damaged")
    wide = embeddings.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
