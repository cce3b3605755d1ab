"""Images with similar features."""

import numpy as np

from clcap_cli.retrieval.tracking import Track, untracked

CHUNK_ROWS = 1024


def nearest_images(
    pooled: np.ndarray, count: int, track: Track = untracked, num_images: int | None = None
) -> np.ndarray:
    """Row indices of the ``count`` most similar other images of each image, most similar first: (images, count).

    Similarity is the cosine of the rows of ``pooled`` (images, channels). Returns fewer columns if there are fewer
    other images, and only the rows of the first ``num_images`` images if it is given. ``track`` wraps the blocks of
    work to show progress.
    """
    vectors = pooled.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(count, len(vectors) - 1)
    rows = len(vectors) if num_images is None else num_images
    nearest = np.empty((rows, count), dtype=np.int32)
    if count == 0:
        return nearest
    chunk_starts = range(0, rows, CHUNK_ROWS)
    for first in track(chunk_starts, len(chunk_starts)):
        cosines = vectors[first : min(first + CHUNK_ROWS, rows)] @ vectors.T
        cosines[np.arange(len(cosines)), first + np.arange(len(cosines))] = -np.inf
        candidates = np.sort(np.argpartition(-cosines, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(cosines, candidates, axis=1), axis=1, kind="stable")
        nearest[first : first + len(cosines)] = np.take_along_axis(candidates, order, axis=1)
    return nearest
