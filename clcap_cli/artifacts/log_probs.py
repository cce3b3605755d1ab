"""``*.log_probs.h5``: the full matrix of ln p(c|I) for all captions and images of a self-retrieval pool.

``log_prob`` is (captions, images) float32, ``id`` has the images' ids, and ``caption`` has the captions of the first
images in the same order; the other images are distractors.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.hdf5 import create_hdf5, stored_ids, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest, digest_of_json

KIND = "clcap/log-probs"


def write_log_probs(
    out: Path, ids: Sequence[ImageId], captions: Sequence[str], log_probs: np.ndarray, origin: Origin
) -> None:
    """Write the matrix ``log_probs``, (captions, images)."""
    content_id = digest([digest_of_json([stored_ids(ids), list(captions)]).encode(), log_probs.tobytes()])
    with create_hdf5(out) as (file, _):
        write_provenance(file, origin.make_provenance(KIND, content_id, out))
        write_ids(file, "id", ids)
        write_texts(file, "caption", list(captions))
        file["log_prob"] = log_probs
