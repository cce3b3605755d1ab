"""``*.attention.h5``: how much each token of predicted captions attends to each region of its image.

::

    id             (images,) int64 or text
    caption        (captions,) text: the captions of the first image, then of the second; equally many of each image
    lengths        (captions,) int32: number of tokens of each caption
    ends           (tokens,) int32: where each token ends in the text of its caption, in characters
    weights        (tokens, regions) float16: attention weights
    sentinel       (tokens,) float16: weights of the visual sentinel; missing for models without one
    region_counts  (images,) int32: present only if images differ in their number of regions; the rest is padding
    boxes          (regions of all images, 4) float32: as in features.h5; present only for imported regions with boxes

The attribute ``backbone`` has the record of the features, which states what part of a picture the regions cover.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.checks import check_equal
from clcap_cli.artifacts.feature_info import FeatureInfo, ImportedInfo
from clcap_cli.artifacts.features import boxes_in, feature_info_in
from clcap_cli.artifacts.hdf5 import (
    HDF5Content,
    create_hdf5,
    open_hdf5,
    stored_ids,
    write_ids,
    write_provenance,
    write_texts,
)
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.digests import digest, digest_of_json
from clcap_cli.errors import damaged_file_error

KIND = "clcap/attention"
SUFFIX = ".attention.h5"


@dataclass(frozen=True)
class CaptionAttention:
    """The attention with which the T tokens of one caption were predicted."""

    caption: str
    ends: np.ndarray
    """(T,) int32: where each token ends in the caption, in characters."""
    weights: np.ndarray
    """(T, R) float16: weights of the image's regions."""
    sentinel: np.ndarray | None
    """(T,) float16: weights of the visual sentinel; None for a model without one."""


@dataclass(frozen=True)
class Attention:
    """An opened ``*.attention.h5``."""

    path: Path
    provenance: Provenance
    features: FeatureInfo
    """The record of the features of the images."""
    captions: dict[ImageId, list[CaptionAttention]]
    """One or several captions of each image."""
    boxes: dict[ImageId, np.ndarray]
    """The boxes of each image's regions, (R, 4) float32: left, top, right and bottom as shares of the picture's width
    and height; empty if they are not known."""

    @cached_property
    def has_sentinel(self) -> bool:
        """Whether the model has a visual sentinel."""
        return any(one.sentinel is not None for own in self.captions.values() for one in own)


def attention_path(captions: Path) -> Path:
    """The attention file beside a file of captions: ``nt.attention.h5`` for ``nt.captions.json``."""
    return captions.with_name(f"{captions.name.removesuffix(captions.suffix).removesuffix('.captions')}{SUFFIX}")


def attention_mebibytes(tokens: int, regions: int) -> float:
    """Size in MiB of the numbers of an attention file."""
    return tokens * (2 * regions + 2 + 4) / 2**20


def write_attention(
    out: Path,
    captions: Mapping[ImageId, Sequence[CaptionAttention]],
    features: FeatureInfo,
    origin: Origin,
    boxes: Sequence[np.ndarray] | None = None,
) -> None:
    """Write the attention of the captions of each image; every image has the same number of captions.

    ``boxes`` are those of the regions of each image, if they are known.
    """
    every = [one for own in captions.values() for one in own]
    arrays = {
        "lengths": np.array([len(one.ends) for one in every], np.int32),
        "ends": np.concatenate([np.empty(0, np.int32), *(one.ends for one in every)]),
        "weights": _padded([one.weights for one in every], features.regions),
    }
    if any(one.sentinel is not None for one in every):
        arrays["sentinel"] = np.concatenate([one.sentinel for one in every if one.sentinel is not None])
    if isinstance(features, ImportedInfo):
        arrays["region_counts"] = np.array([own[0].weights.shape[1] for own in captions.values()], np.int32)
    if boxes:
        arrays["boxes"] = np.concatenate(boxes)
    texts = [one.caption for one in every]
    described = digest_of_json([stored_ids([*captions]), texts, features.model_dump(mode="json")])
    content_id = digest([described.encode(), *(array.tobytes() for array in arrays.values())])
    with create_hdf5(out) as (file, _):
        write_provenance(file, origin.make_provenance(KIND, content_id, out))
        file.attrs["backbone"] = features.model_dump_json()
        write_ids(file, "id", [*captions])
        write_texts(file, "caption", texts)
        for name, array in arrays.items():
            file[name] = array


def _padded(weights: Sequence[np.ndarray], regions: int) -> np.ndarray:
    """The weights of all captions, (tokens, regions), with zeros for regions that an image lacks."""
    padded = np.zeros((sum(map(len, weights)), regions), np.float16)
    first = 0
    for own in weights:
        padded[first : first + len(own), : own.shape[1]] = own
        first += len(own)
    return padded


def open_attention(path: Path) -> Attention:
    """Open an ``*.attention.h5``; its weights are memory-mapped.

    Raises ClcapError if it is missing, damaged, truncated or another kind of file.
    """
    with open_hdf5(path, KIND, ("id", "caption")) as (content, provenance):
        features, ids = feature_info_in(content), content.ids("id")
        counts = _region_counts(content, features, len(ids))
        boxes = boxes_in(content, int(counts.sum(dtype=np.int64)))
        every = _captions(content, features.regions)
    number, rest = divmod(len(every), max(1, len(ids)))
    check_equal(path, "its number of captions", len(every), len(every) - rest if ids else 0)
    captions = {
        id: [replace(one, weights=one.weights[:, :count]) for one in every[index * number : (index + 1) * number]]
        for index, (id, count) in enumerate(zip(ids, counts.tolist(), strict=True))
    }
    own_boxes = [] if boxes is None else np.split(boxes, np.cumsum(counts)[:-1])
    return Attention(path, provenance, features, captions, dict(zip(ids, own_boxes, strict=False)))


def _region_counts(content: HDF5Content, features: FeatureInfo, images: int) -> np.ndarray:
    """The number of regions of each image, (images,)."""
    if not isinstance(features, ImportedInfo):
        return np.full(images, features.regions)
    return content.numbers_within("region_counts", "int32", (images,), 1, features.regions)


def _captions(content: HDF5Content, regions: int) -> list[CaptionAttention]:
    """The attention of all captions, with weights (T, regions)."""
    path, texts = content.path, content.texts("caption")
    lengths = content.numbers_within("lengths", "int32", (len(texts),), 0, MAX_WORDS)
    tokens = int(lengths.sum(dtype=np.int64))
    ends = content.numbers("ends", "int32", (tokens,))
    weights = content.numbers_within("weights", "float16", (tokens, regions), 0, 1)
    is_there = "sentinel" in content.survey.datasets
    sentinel = content.numbers_within("sentinel", "float16", (tokens,), 0, 1) if is_there else None
    rows = [slice(first, end) for first, end in pairwise(accumulate(lengths.tolist(), initial=0))]
    return [
        CaptionAttention(
            text, _checked_ends(path, text, ends[own]), weights[own], None if sentinel is None else sentinel[own]
        )
        for text, own in zip(texts, rows, strict=True)
    ]


def _checked_ends(path: Path, text: str, ends: np.ndarray) -> np.ndarray:
    if len(ends) and (ends[0] < 0 or ends[-1] > len(text) or (np.diff(ends) < 0).any()):
        raise damaged_file_error(path, f"its 'ends' do not divide the caption '{text[:40]}'")
    return ends
