"""``captions.h5``: images, their captions as text and as word tokens, and the word tokenizer.

::

    images/id, images/file_name, images/split        one entry per image
    captions/tokens   (captions, max_length) int32   padded with the end token, 0
    captions/lengths  (captions,) int32              number of words, without the end token
    captions/image    (captions,) int32              row of the caption's image, ascending; images may have none
    captions/raw      (captions,) text               the original text
    vocabulary        (words,) text                  without the end and unknown tokens
    segmentation      (1,) text                      JSON: how captions are split; only if it is not "words"
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from clcap_cli.artifacts.cache import TOKENS_KIND, ArrayCache, tokens_path
from clcap_cli.artifacts.checks import check_unique
from clcap_cli.artifacts.hdf5 import (
    TEXT,
    HDF5Content,
    create_hdf5,
    open_hdf5,
    stored_ids,
    write_ids,
    write_provenance,
    write_texts,
)
from clcap_cli.artifacts.provenance import Origin, Provenance, with_content_id
from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.datasets.split_names import describe_sizes
from clcap_cli.digests import digest, digest_of_json
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.segmentation.registry import segmenter_from_record
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import SEGMENTER as WORDS
from clcap_cli.tokenizers.tokenizer import EncodedCaptions, Tokenizer, encode_captions
from clcap_cli.tokenizers.words import WordTokenizer

KIND = "clcap/captions"
RAW = "captions/raw"
TEXTS_READ_ON_OPENING = ("images/id", "images/file_name", "images/split", "vocabulary", "segmentation")
"""Text datasets that ``open_captions`` reads; most stages do not use the original captions, which it leaves out."""


@dataclass(frozen=True)
class Captions:
    """An opened ``captions.h5``."""

    path: Path
    provenance: Provenance
    image_ids: list[ImageId]
    file_names: list[str]
    splits: np.ndarray
    """Name of each image's split: (images,) text."""
    word_tokens: EncodedCaptions
    """The captions, encoded with ``tokenizer``."""
    caption_starts: np.ndarray
    """First caption of each image: (images + 1,); image i has the captions caption_starts[i] to
    caption_starts[i + 1] - 1."""
    tokenizer: WordTokenizer

    def ids_of(self, rows: np.ndarray) -> list[ImageId]:
        """Ids of the images at ``rows``."""
        return [self.image_ids[row] for row in rows]

    def rows_of(self, split: str, skipped: Collection[ImageId] = ()) -> np.ndarray:
        """Rows of the images of a split, in order, except those in ``skipped``.

        Raises ClcapError if the split has no images.
        """
        excluded = set(skipped)
        rows = np.flatnonzero(self.splits == split)
        rows = np.asarray([row for row in rows if self.image_ids[row] not in excluded], dtype=np.int64)
        if rows.size == 0:
            raise _empty_split_error(self.path, split, self.splits.tolist())
        return rows

    @cached_property
    def raw(self) -> list[str]:
        """The original text of every caption."""
        with open_hdf5(self.path, KIND, [RAW]) as (content, _):
            return content.texts(RAW, len(self.word_tokens.lengths))

    def encoded_with(self, tokenizer: Tokenizer, longest: int | None = None) -> EncodedCaptions:
        """All captions as tokens of ``tokenizer``, truncated to ``longest`` tokens.

        The file itself contains word tokens; those of other tokenizers are computed once and cached next to it.
        """
        if tokenizer == self.tokenizer:
            return self.word_tokens.truncated(longest)
        origin = Origin("tokenise", {"tokenizer": tokenizer.id})
        origin.add_input("captions", self)
        cache = ArrayCache(tokens_path(self.path, tokenizer), TOKENS_KIND, origin)
        encode = lru_cache(lambda: encode_captions(self.raw, tokenizer))
        count = len(self.word_tokens.lengths)
        tokens = cache.get("tokens", lambda: encode().tokens, lambda found: _is_in_range(found, tokenizer.size - 1))
        longest_cached = tokens.shape[-1]
        lengths = cache.get("lengths", lambda: encode().lengths, lambda found: _is_in_range(found, longest_cached))
        if not len(tokens) == len(lengths) == count:
            raise damaged_file_error(cache.path, f"it has {len(tokens)} captions, expected {count}")
        return EncodedCaptions(tokens, lengths).truncated(longest)

    def references(self, rows: np.ndarray) -> dict[ImageId, list[str]]:
        """The captions of the images at ``rows`` that have captions, by image id."""
        starts = self.caption_starts
        return {
            self.image_ids[row]: self.raw[starts[row] : starts[row + 1]]
            for row in rows
            if starts[row + 1] > starts[row]
        }


def check_split(path: Path, split: str) -> int:
    """The number of images in a split of a ``captions.h5``, of which little is read.

    Raises ClcapError if there are none.
    """
    with open_hdf5(path, KIND, ["images/split"]) as (content, _):
        splits = content.texts("images/split")
    if split not in splits:
        raise _empty_split_error(path, split, splits)
    return splits.count(split)


def _empty_split_error(path: Path, split: str, splits: list[str]) -> ClcapError:
    return ClcapError(f"{path} has no images in split '{split}'; it has: {describe_sizes(splits)}")


def open_captions(path: Path) -> Captions:
    """Read a ``captions.h5``.

    Raises ClcapError if it is missing, damaged or another kind of file.
    """
    with open_hdf5(path, KIND, TEXTS_READ_ON_OPENING) as (content, provenance):
        ids = content.ids("images/id")
        words = content.texts("vocabulary")
        tokens = content.numbers("captions/tokens", "int32", (None, None))
        count, longest = tokens.shape
        lengths, image = (content.numbers(name, "int32", (count,)) for name in ("captions/lengths", "captions/image"))
        content.check(RAW, TEXT, (count,))
        tokenizer = WordTokenizer(words, _segmenter(content))
        check_unique(path, "its vocabulary", tokenizer.tokens)
        _check_range(path, "captions/tokens", tokens, len(tokenizer) - 1)
        _check_range(path, "captions/lengths", lengths, longest)
        _check_image_rows(path, image, len(ids))
        return Captions(
            path=path,
            provenance=provenance,
            image_ids=ids,
            file_names=content.texts("images/file_name", len(ids)),
            splits=np.asarray(content.texts("images/split", len(ids))),
            word_tokens=EncodedCaptions(np.array(tokens), np.array(lengths)),
            caption_starts=np.searchsorted(image, np.arange(len(ids) + 1)),
            tokenizer=tokenizer,
        )


def _segmenter(content: HDF5Content) -> Segmenter:
    """The segmenter of the captions; files of earlier versions were split into words."""
    path = content.path
    if "segmentation" not in content.survey.datasets:
        return WORDS
    (text,) = content.texts("segmentation", 1)
    try:
        return segmenter_from_record(TypeAdapter(dict[str, str]).validate_json(text), str(path))
    except (ValidationError, KeyError) as error:
        raise damaged_file_error(path, "its 'segmentation' names no segmentation") from error


def _is_in_range(numbers: np.ndarray, largest: int) -> bool:
    return not numbers.size or bool(numbers.min() >= 0 and numbers.max() <= largest)


def _check_range(path: Path, name: str, numbers: np.ndarray, largest: int) -> None:
    if not _is_in_range(numbers, largest):
        wrong = numbers[(numbers < 0) | (numbers > largest)][0]
        raise damaged_file_error(path, f"its '{name}' has {wrong}, expected 0 to {largest}")


def _check_image_rows(path: Path, image: np.ndarray, images: int) -> None:
    """Check that captions are sorted by image and that all of these images exist."""
    if images == 0 or (np.diff(image, prepend=0, append=images - 1) < 0).any():
        raise damaged_file_error(path, f"its 'captions/image' does not list the {images} images in order")


def bytes_of_captions(images: Sequence[ImageRecord], max_length: int) -> int:
    """Approximate size of the ``captions.h5`` of ``images``: their texts, and numbers of four bytes for each word."""
    captions = [caption for image in images for caption in image.captions]
    texts = sum(map(len, captions)) + sum(len(image.file_name) for image in images)
    return texts + len(captions) * 4 * (max_length + 6)


def write_captions(
    out: Path,
    images: Sequence[ImageRecord],
    tokenizer: WordTokenizer,
    max_length: int,
    origin: Origin,
    extends: Sequence[str] = (),
) -> None:
    """Write a ``captions.h5`` with captions truncated to ``max_length`` words.

    ``extends`` are ids of earlier versions of the file whose content it contains.
    """
    raw = [caption for image in images for caption in image.captions]
    encoded = encode_captions(raw, tokenizer, max_length)
    tokens, lengths = encoded.tokens, encoded.lengths
    image_rows = np.repeat(np.arange(len(images), dtype=np.int32), [len(image.captions) for image in images])
    ids = stored_ids([image.id for image in images])
    names = [[image.file_name, image.split] for image in images]
    words = tokenizer.words
    arrays = (tokens.tobytes(), lengths.tobytes(), image_rows.tobytes())
    # Without a segmentation if it is the default, so that the same captions keep the ids of earlier versions.
    segmentation = [] if tokenizer.segmenter == WORDS else [json.dumps(tokenizer.segmenter.record())]
    content_id = digest([digest_of_json([ids, names, raw, words, *segmentation]).encode(), *arrays])
    with create_hdf5(out) as (file, _):
        provenance = origin.make_provenance(KIND, "", out).model_copy(update={"extends": [*extends]})
        write_provenance(file, with_content_id(provenance, content_id))
        write_ids(file.create_group("images"), "id", ids)
        write_texts(file["images"], "file_name", [name for name, _ in names])
        write_texts(file["images"], "split", [split for _, split in names])
        write_texts(file.create_group("captions"), "raw", raw)
        file["captions/tokens"], file["captions/lengths"], file["captions/image"] = tokens, lengths, image_rows
        write_texts(file, "vocabulary", words)
        if segmentation:
            write_texts(file, "segmentation", segmentation)
