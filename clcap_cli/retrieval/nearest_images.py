"""Images with similar features."""

import numpy as np

from clcap_cli.retrieval.tracking import Track, untracked

CHUNK_ROWS = 1024


def nearest_images(pooled: np.ndarray, count: int, track: Track = untracked) -> np.ndarray:
    """Row indices of the ``count`` most similar other images of each image, most similar first: (images, count).

    Similarity is the cosine of the rows of ``pooled`` (images, channels). Returns fewer columns if there are fewer
    other images. ``track`` wraps the blocks of work to show progress.
    """
    vectors = pooled.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(count, len(vectors) - 1)
    nearest = np.empty((len(vectors), count), dtype=np.int32)
    if count == 0:
        return nearest
    chunk_starts = range(0, len(vectors), CHUNK_ROWS)
    for first in track(chunk_starts, len(chunk_starts)):
        cosines = vectors[first : first + CHUNK_ROWS] @ vectors.T
        cosines[np.arange(len(cosines)), first + np.arange(len(cosines))] = -np.inf
        candidates = np.sort(np.argpartition(-cosines, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(cosines, candidates, axis=1), axis=1, kind="stable")
        nearest[first : first + len(cosines)] = np.take_along_axis(candidates, order, axis=1)
    return nearest
