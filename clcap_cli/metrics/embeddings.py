"""Encoders that metrics compare captions, references and images with, and the cosines of their embeddings."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from clcap_cli.datasets.records import ImageId


class TextEncoder(Protocol):
    """An encoder of texts, whose files are opened when it is first used."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) embeddings of unit length; raises ClcapError if the encoder cannot be opened."""

    def signature(self) -> Mapping[str, str]:
        """The settings that the embeddings depend on."""


class ImageTextEncoder(TextEncoder, Protocol):
    """An encoder of texts and images in the same space."""

    def embed_images(self, ids: Sequence[ImageId]) -> np.ndarray:
        """(images, d) embeddings of unit length; raises ClcapError if an image is missing or cannot be read."""


def cosines_with_references(
    encoder: TextEncoder, captions: np.ndarray, references: Sequence[Sequence[str]], image_index: np.ndarray
) -> list[np.ndarray]:
    """For each caption, the cosines (references,) with the references of its image.

    ``captions`` are the embeddings (C, d) of the captions, ``references`` (N,) the texts of each image's references,
    and ``image_index`` (C,) the position of each caption's image.
    """
    embedded = encoder.embed_texts([text for group in references for text in group])
    groups = np.split(embedded, np.cumsum([len(group) for group in references])[:-1])
    return [groups[image] @ caption for image, caption in zip(image_index, captions, strict=True)]
