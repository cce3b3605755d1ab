"""prepare-captions: annotation files of any of the field's formats -> captions.h5."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from clcap_cli.console import say
from clcap_cli.datasets.text import LONGEST
from clcap_cli.errors import ClcapError
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import Out
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId, ImageRecord
    from clcap_cli.tokenizers.words import WordTokenizer

Coco = Option("COCO captions file whose images are this split; may be given again.")


@stage
def prepare_captions(
    dataset: Annotated[
        Path | None,
        Argument("Karpathy's dataset JSON, or a table (.csv, .jsonl, .parquet)."),
    ] = None,
    train: Annotated[list[Path] | None, Coco] = None,
    val: Annotated[list[Path] | None, Coco] = None,
    test: Annotated[list[Path] | None, Coco] = None,
    out: Out = Path("captions.h5"),
    min_count: Annotated[
        int, Ge(1), Option("Words seen fewer times become UNK (6 is the original's '5 times or fewer').")
    ] = 5,
    max_length: Annotated[int, Ge(1), Le(LONGEST), Option("Words a caption may have; the rest is cut.")] = 16,
    restval: Annotated[str, Option("Split that Karpathy's 'restval' images count to.")] = "train",
    limit: Annotated[int | None, Ge(1), Option("At most this many images of each split.")] = None,
) -> Path:
    """Turn captions into numbers and build the vocabulary from the training split.

    A table needs the columns image, caption and split, and may have an id. A caption may be a list of captions.

    Example: clcap prepare-captions --train captions_train2017.json --val captions_val2017.json --out captions.h5
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.captions import write_captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.text import words_of
    from clcap_cli.tokenizers.words import WordTokenizer

    coco_files = [
        (split, path) for split, paths in (("train", train), ("val", val), ("test", test)) for path in paths or []
    ]
    if (dataset is None) == (not coco_files):
        raise ClcapError("give either one dataset file, or COCO files with --train, --val and --test")
    images = _read_dataset(dataset, restval) if dataset else _read_coco(coco_files)
    _check(images)
    images = _with_ids_of_one_kind(images)
    out = check_writable(out or Path("captions.h5"), [dataset] if dataset else [path for _, path in coco_files])
    images = _limited(images, limit) if limit else images
    training = [image for image in images if image.split == "train"]
    if not training:
        raise ClcapError(f"no image is in the split 'train'; the splits are: {_sizes(images)}")
    tokenizer = WordTokenizer.count((words_of(text) for image in training for text in image.captions), min_count)
    if not tokenizer.words:
        raise ClcapError(f"no word occurs {min_count} times in the training captions; lower --min-count")
    origin = Origin("prepare-captions", settings)
    for split, path in [("dataset", dataset)] if dataset else coco_files:
        origin.uses_file(split, path)
    write_captions(out, images, tokenizer, max_length, origin)
    for line in _summary(images, tokenizer, max_length):
        say(line)
    return out


def _read_dataset(path: Path, restval: str) -> "list[ImageRecord]":
    from clcap_cli.datasets.karpathy import is_karpathy, karpathy_records
    from clcap_cli.datasets.reading import read_json
    from clcap_cli.datasets.table import SUFFIXES, table_records

    if path.suffix.lower() in SUFFIXES:
        return table_records(path)
    if path.suffix.lower() != ".json":
        raise ClcapError(f"{path}: unknown kind of file; give a .json, or a table ({', '.join(SUFFIXES)})")
    data = read_json(path)
    if not is_karpathy(data):
        raise ClcapError(f"{path} is not a Karpathy dataset file; give COCO files with --train, --val and --test")
    return karpathy_records(data, path, restval)


def _read_coco(files: list[tuple[str, Path]]) -> "list[ImageRecord]":
    from clcap_cli.datasets.coco import coco_records
    from clcap_cli.datasets.reading import read_json

    return [image for split, path in files for image in coco_records(read_json(path), path, split)]


def _check(images: "list[ImageRecord]") -> None:
    seen: dict[ImageId, str] = {}
    for image in images:
        if image.id in seen:
            raise _twice(image, seen[image.id])
        seen[image.id] = image.file_name
        _check_texts(image)
        if not image.captions:
            raise ClcapError(f"image {image.id} ({image.file_name}) has no caption; take it out of the annotations")
    _check_kinds(seen)


def _twice(image: "ImageRecord", name: str) -> ClcapError:
    if name == image.file_name:
        return ClcapError(f"image {image.id} ({name}) is listed twice; an image belongs to one split")
    return ClcapError(f"the images {name} and {image.file_name} have the same id, {image.id}; give each its own")


def _check_texts(image: "ImageRecord") -> None:
    from clcap_cli.datasets.text import flaw_of

    name, split = [image.file_name], [image.split]
    parts = {"an id": [str(image.id)], "a file name": name, "a split": split, "a caption": image.captions}
    for what, texts in parts.items():
        if any(map(flaw_of, texts)):
            raise ClcapError(f"image {image.id} ({image.file_name}) has {what} that is not valid text; mend it")


def _check_kinds(names: "dict[ImageId, str]") -> None:
    from clcap_cli.datasets.ids import in_two_kinds

    twice = in_two_kinds(names)
    if twice is not None:
        raise ClcapError(
            f'the id of {names[twice]} is the number {twice}, that of {names[str(twice)]} the text "{twice}"; '
            "write all ids as numbers or all as text"
        )


def _with_ids_of_one_kind(images: "list[ImageRecord]") -> "list[ImageRecord]":
    """All ids as text where one is, as a column of captions.h5 has them."""
    if not any(isinstance(image.id, str) for image in images):
        return images
    return [replace(image, id=str(image.id)) for image in images]


def _limited(images: "list[ImageRecord]", limit: int) -> "list[ImageRecord]":
    taken: Counter[str] = Counter()
    kept = []
    for image in images:
        taken[image.split] += 1
        if taken[image.split] <= limit:
            kept.append(image)
    return kept


def _sizes(images: "list[ImageRecord]") -> str:
    return ", ".join(f"{split} {count}" for split, count in Counter(image.split for image in images).items())


def _summary(images: "list[ImageRecord]", tokenizer: "WordTokenizer", max_length: int) -> Iterable[str]:
    from clcap_cli.datasets.text import words_of

    for split in dict.fromkeys(image.split for image in images):
        members = [image for image in images if image.split == split]
        captions = [words_of(text) for image in members for text in image.captions]
        numbers = [number for words in captions for number in tokenizer.encode_words(words)]
        unknown = numbers.count(tokenizer.unknown) / max(len(numbers), 1)
        cut = sum(len(words) > max_length for words in captions)
        yield (
            f"{split}: {len(members)} images, {len(captions)} captions, {len(numbers)} words, "
            f"{unknown:.1%} UNK, {cut} captions cut at {max_length} words"
        )
    yield f"vocabulary: {len(tokenizer.words)} words, END and UNK"
