"""``captions.h5``: images, their captions as text and as word tokens, and the word tokenizer.

::

    images/id, images/file_name, images/split        one entry an image
    captions/tokens   (captions, max_length) int32   zero after the caption's end
    captions/lengths  (captions,) int32              words, the end token not counted
    captions/image    (captions,) int32              row of the image, ascending
    captions/raw      (captions,) text               as people wrote it
    vocabulary        (words,) text                  the word tokenizer's, after its end and unknown tokens
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.cache import TOKENS_KIND, ArrayCache, tokens_path
from clcap_cli.artifacts.checks import check_unique
from clcap_cli.artifacts.hdf5 import TEXT, create_hdf5, open_hdf5, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.digests import digest, digest_of_json
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.tokenizers.tokenizer import EncodedCaptions, Tokenizer, encode_captions
from clcap_cli.tokenizers.words import WordTokenizer

KIND = "clcap/captions"
RAW = "captions/raw"
TEXTS = ("images/id", "images/file_name", "images/split", "vocabulary")
"""All but the captions as people wrote them, of which most stages need none."""


@dataclass(frozen=True)
class Captions:
    """An opened ``captions.h5``."""

    path: Path
    provenance: Provenance
    image_ids: list[ImageId]
    file_names: list[str]
    splits: np.ndarray
    """(images,) text."""
    word_tokens: EncodedCaptions
    """The captions as tokens of ``tokenizer``."""
    caption_starts: np.ndarray
    """(images + 1,): image i's captions are the rows starts[i] to starts[i + 1]."""
    tokenizer: WordTokenizer

    def ids_of(self, rows: np.ndarray) -> list[ImageId]:
        """Ids of the images at ``rows``."""
        return [self.image_ids[row] for row in rows]

    def rows_of(self, split: str, skipped: Collection[ImageId] = ()) -> np.ndarray:
        """Rows of the images of a split, in order, without those in ``skipped``.

        Raises ClcapError when the split has none.
        """
        left_out = set(skipped)
        rows = np.flatnonzero(self.splits == split)
        rows = np.asarray([row for row in rows if self.image_ids[row] not in left_out], dtype=np.int64)
        if rows.size == 0:
            sizes = ", ".join(f"{name} {count}" for name, count in Counter(self.splits.tolist()).items())
            raise ClcapError(f"{self.path} has no images in split '{split}'; it has: {sizes}")
        return rows

    @cached_property
    def raw(self) -> list[str]:
        """Every caption as people wrote it."""
        with open_hdf5(self.path, KIND, [RAW]) as (content, _):
            return content.texts(RAW, len(self.word_tokens.lengths))

    def encoded_with(self, tokenizer: Tokenizer, longest: int | None = None) -> EncodedCaptions:
        """All captions as tokens of ``tokenizer``, cut at ``longest``; made once and cached beside the file.

        The file itself has them as words.
        """
        if tokenizer == self.tokenizer:
            return self.word_tokens.cut(longest)
        origin = Origin("tokenise", {"tokenizer": tokenizer.id})
        origin.add_input("captions", self)
        cache = ArrayCache(tokens_path(self.path, tokenizer), TOKENS_KIND, origin)
        made: list[EncodedCaptions] = []

        def compute(name: str) -> np.ndarray:
            if not made:
                made.append(encode_captions(self.raw, tokenizer))
            return getattr(made[0], name)

        tokens, lengths = (cache.get(name, partial(compute, name)) for name in ("tokens", "lengths"))
        return EncodedCaptions(tokens, lengths).cut(longest)

    def references(self, rows: np.ndarray) -> dict[ImageId, list[str]]:
        """What people wrote about the images at ``rows``, by image id."""
        return {self.image_ids[row]: self.raw[self.caption_starts[row] : self.caption_starts[row + 1]] for row in rows}


def open_captions(path: Path) -> Captions:
    """Read a ``captions.h5``.

    Raises ClcapError when it is missing, damaged or another kind of file.
    """
    with open_hdf5(path, KIND, TEXTS) as (content, provenance):
        ids = content.ids("images/id")
        words = content.texts("vocabulary")
        tokens = content.numbers("captions/tokens", "int32", (None, None))
        count, longest = tokens.shape
        lengths, image = (content.numbers(name, "int32", (count,)) for name in ("captions/lengths", "captions/image"))
        content.check(RAW, TEXT, (count,))
        tokenizer = WordTokenizer(words)
        check_unique(path, "its vocabulary", tokenizer.tokens)
        _check_range(path, "captions/tokens", tokens, len(tokenizer) - 1)
        _check_range(path, "captions/lengths", lengths, longest)
        _check_owners(path, image, len(ids))
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


def _check_range(path: Path, name: str, numbers: np.ndarray, largest: int) -> None:
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= largest):
        wrong = numbers[(numbers < 0) | (numbers > largest)][0]
        raise damaged_file_error(path, f"its '{name}' has {wrong}, expected 0 to {largest}")


def _check_owners(path: Path, image: np.ndarray, images: int) -> None:
    """Captions stand image by image, and every image has one."""
    steps = np.diff(image, prepend=-1, append=images)
    if images == 0 or not ((steps == 0) | (steps == 1)).all() or steps[0] != 1 or steps[-1] != 1:
        raise damaged_file_error(path, f"its 'captions/image' does not go through the {images} images in their order")


def write_captions(
    out: Path, images: Sequence[ImageRecord], tokenizer: WordTokenizer, max_length: int, origin: Origin
) -> None:
    """Write a ``captions.h5``; a caption longer than ``max_length`` words is cut there."""
    raw = [caption for image in images for caption in image.captions]
    encoded = encode_captions(raw, tokenizer, max_length)
    tokens, lengths = encoded.tokens, encoded.lengths
    owner = np.repeat(np.arange(len(images), dtype=np.int32), [len(image.captions) for image in images])
    ids = [image.id for image in images]
    names = [[image.file_name, image.split] for image in images]
    words = tokenizer.words
    arrays = (tokens.tobytes(), lengths.tobytes(), owner.tobytes())
    content_id = digest([digest_of_json([ids, names, raw, words]).encode(), *arrays])
    with create_hdf5(out) as (file, _):
        write_provenance(file, origin.make_provenance(KIND, content_id, out))
        write_ids(file.create_group("images"), "id", ids)
        write_texts(file["images"], "file_name", [name for name, _ in names])
        write_texts(file["images"], "split", [split for _, split in names])
        write_texts(file.create_group("captions"), "raw", raw)
        file["captions/tokens"], file["captions/lengths"], file["captions/image"] = tokens, lengths, owner
        write_texts(file, "vocabulary", words)
