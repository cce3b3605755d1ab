"""Which images look alike."""

import numpy as np

from clcap_cli.retrieval.tree_walk import Track, untracked

CHUNK_ROWS = 1024


def nearest_images(pooled: np.ndarray, count: int, track: Track = untracked) -> np.ndarray:
    """The ``count`` other images most like each, by cosine of (images, channels) pooled features; nearest first.

    (images, count) rows of ``pooled``; fewer columns where there are not so many other images. ``track`` is given the
    blocks of work and their number, and passes them on.
    """
    vectors = pooled.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(count, len(vectors) - 1)
    nearest = np.empty((len(vectors), count), dtype=np.int32)
    if count == 0:
        return nearest
    firsts = range(0, len(vectors), CHUNK_ROWS)
    for first in track(firsts, len(firsts)):
        cosines = vectors[first : first + CHUNK_ROWS] @ vectors.T
        cosines[np.arange(len(cosines)), first + np.arange(len(cosines))] = -np.inf
        found = np.sort(np.argpartition(-cosines, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(cosines, found, axis=1), axis=1, kind="stable")
        nearest[first : first + len(cosines)] = np.take_along_axis(found, order, axis=1)
    return nearest
