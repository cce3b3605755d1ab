"""Signatures: the settings that a metric value depends on, as one line of text."""

from collections.abc import Mapping, Sequence

from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.tokenisation import tokenisation_signature

NOT_ALWAYS_RECORDED = ("ranker", "tok", "refs")
"""Parts of signatures that files of earlier versions lack, or have although the value does not depend on them."""

OF_DECODING = ("decoding", "precision")
"""Parts of signatures that describe how captions were made, not how they are measured."""
OF_IMAGES = ("images", "split")
"""Parts of signatures that describe which images were scored."""


def shared_signature(predictions: Predictions, **more: str) -> str:
    """The part of the signature that all values of the same predictions share, followed by ``more``."""
    images = {"refs": _per_image(predictions.references), "images": str(len(predictions.ids))}
    return join_signature({"tok": tokenisation_signature(predictions.context.segmenter), **images, **more})


def join_signature(parts: Mapping[str, str], separator: str = "|") -> str:
    """The parts as ``key:value``, joined by ``separator``."""
    return separator.join(f"{key}:{value}" for key, value in parts.items())


def split_signature(signature: str) -> dict[str, str]:
    """The parts of a signature by key."""
    return {key: value for key, _, value in (part.partition(":") for part in signature.split("|"))}


def differing_parts(first: str, second: str) -> list[tuple[str, str | None, str | None]]:
    """The key and both values of each part in which two signatures differ.

    Parts that earlier versions recorded for other metrics, or not at all, only count where both signatures have them.
    """
    a, b = split_signature(first), split_signature(second)
    keys = [key for key in dict.fromkeys([*a, *b]) if key not in NOT_ALWAYS_RECORDED or (key in a and key in b)]
    return [(key, a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key)]


def _per_image(references: Sequence[Sequence[str]]) -> str:
    """The number of references per image: "c5" if every image has five, else a range such as "3-5"."""
    sizes = [len(group) for group in references]
    return f"c{sizes[0]}" if min(sizes) == max(sizes) else f"{min(sizes)}-{max(sizes)}"


def images_signature(ids: Sequence[ImageId], split: str) -> str:
    """The split's name with a digest of the ids of its images."""
    return f"{split}#{digest_of_json(sorted(map(str, ids)))[:8]}"
