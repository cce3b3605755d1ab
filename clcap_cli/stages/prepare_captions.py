"""prepare-captions: annotation files in any common format -> captions.h5."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from clcap_cli.artifacts.preconditions import CAPTIONS_FILE
from clcap_cli.console import print_info, print_warning
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.input_files import InputFileOrFolder
from clcap_cli.options import Argument, Option
from clcap_cli.segmentation.registry import SegmentationName, open_segmenter
from clcap_cli.stages.options import TOKENIZE_NAMES, Seed, output
from clcap_cli.stages.stage import flattened, stage
from clcap_cli.stages.table_images import written_beside

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageRecord
    from clcap_cli.segmentation.segmenter import Segmenter
    from clcap_cli.tokenizers.words import WordTokenizer


def split_file(split: str) -> Option:
    """The option that names files of one split."""
    return Option(
        f"File or folder with the {split} images and their captions, such as COCO's; beside a dataset, a list of its "
        f"{split} images.",
        default="none",
    )


@stage
def prepare_captions(
    dataset: Annotated[
        Path | None,
        InputFileOrFolder(),
        Argument("Dataset with its own splits, such as Karpathy's JSON or a table (CSV, JSON Lines, Parquet)."),
    ] = None,
    train: Annotated[list[Path] | None, InputFileOrFolder(), split_file("training")] = None,
    val: Annotated[list[Path] | None, InputFileOrFolder(), split_file("validation")] = None,
    test: Annotated[list[Path] | None, InputFileOrFolder(), split_file("test")] = None,
    out: Annotated[Path, CAPTIONS_FILE, output()] = Path("captions.h5"),
    min_count: Annotated[
        int, Ge(1), Option("Minimum number of occurrences of a word in the training captions; rarer words become UNK.")
    ] = 5,
    max_length: Annotated[
        int, Ge(1), Le(MAX_WORDS), Option("Maximum number of words in a caption; longer captions are cut off.")
    ] = 16,
    tokenize: Annotated[
        str,
        SegmentationName(),
        Option(f"How to split captions into tokens: {TOKENIZE_NAMES}.", placeholder="NAME"),
    ] = "words",
    restval: Annotated[
        str, Option("Split to which Karpathy's 'restval' images are added.", placeholder="NAME")
    ] = "train",
    split_ratio: Annotated[
        str | None,
        Option(
            "Shares of training, validation and test images of a dataset without splits, such as 0.8,0.1,0.1; images "
            "are assigned by a hash of their ids.",
            default="the dataset's own splits",
            placeholder="SHARES",
        ),
    ] = None,
    limit: Annotated[int | None, Ge(1), Option("Maximum number of images in each split.", default="unlimited")] = None,
    seed: Seed = 0,
    reading: ReadOptions = ReadOptions(),
) -> Path:
    """Read a captioning dataset and build its vocabulary.

    The vocabulary comes from the training split. The format of a file is recognised by its content; clcap inspect shows
    what a file is taken for. A table has columns for the image, its captions and its split; files given with --train,
    --val or --test, or divided with --split-ratio, need no split column. Images that a Parquet file holds as bytes are
    written to a folder beside the output, such as captions.images/.

    Example: clcap prepare-captions --train captions_train2017.json --val captions_val2017.json --out captions.h5
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_free_space, check_writable
    from clcap_cli.artifacts.captions import bytes_of_captions, write_captions
    from clcap_cli.artifacts.captions_growth import extended_captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.image_lists import with_listed_splits
    from clcap_cli.datasets.image_records import image_records
    from clcap_cli.datasets.readers import check_columns_exist, read_captions
    from clcap_cli.datasets.records import counted
    from clcap_cli.datasets.split_names import describe_sizes, unknown_splits
    from clcap_cli.datasets.split_ratio import SplitRatio
    from clcap_cli.datasets.splits import check_different_files, repeated_pictures, with_needed_captions
    from clcap_cli.datasets.suspicious_captions import suspicious_captions
    from clcap_cli.tokenizers.words import WordTokenizer

    parts = [(split, path) for split, paths in (("train", train), ("val", val), ("test", test)) for path in paths or []]
    if dataset is None and not parts:
        raise ClcapError("give either one dataset file, or files with --train, --val and --test")
    if split_ratio is not None and parts:
        raise InvalidValueError("split_ratio", "it divides one dataset; --train, --val and --test give the splits")
    division = SplitRatio.parse(split_ratio, seed) if split_ratio is not None else None
    files: list[tuple[str | None, Path]] = [*([(None, dataset)] if dataset else []), *parts]
    check_different_files(files)
    read = [(split, read_captions(path, reading)) for split, path in (files[:1] if dataset else files)]
    check_columns_exist(reading, [file for _, file in read])
    for _, file in read:
        file.check_rows()
    if dataset and parts:
        read = [(None, with_listed_splits(file, parts, reading)) for _, file in read]
    for _, file in read:
        print_info(file.summary())
        for warning in suspicious_captions(file):
            print_warning(f"{file.path}: {warning}")
    images, left_out = with_needed_captions(image_records(read, restval, division))
    for name, count in left_out.items():
        print_warning(f"left out: {counted(count, 'image')} of split '{name}' without captions")
    for warning in [*unknown_splits((image.split for image in images), [restval]), *repeated_pictures(images)]:
        print_warning(warning)
    if line := division.describe_shares(image.split for image in images) if division else "":
        print_warning(line)
    out = check_writable(out, [path for _, path in files])
    images = _limited(images, limit) if limit else images
    training = [image for image in images if image.split == "train"]
    if not training:
        raise ClcapError(
            f"no image is in the split 'train'; the splits are: {describe_sizes(image.split for image in images)}"
        )
    segmenter = open_segmenter(tokenize)
    tokenizer = WordTokenizer.from_captions(
        (segmenter.split(text) for image in training for text in image.captions), min_count, segmenter
    )
    unsegmented = _unsegmented_advice(images, segmenter)
    if not tokenizer.words:
        advice = unsegmented or "lower --min-count"
        raise ClcapError(f"no word occurs {min_count} times in the training captions; {advice}")
    origin = Origin("prepare-captions", settings)
    for split, path in files:
        origin.add_input_file(split or "dataset", path)
    if segmenter.tokenizer_json:
        origin.add_input_file("tokenizer", Path(tokenize))
    check_free_space(out, bytes_of_captions(images, max_length) / 2**20)
    summary = list(_summary(images, tokenizer, min_count, max_length))  # before the file, so that Ctrl-C changes none
    with written_beside(out, [file for _, file in read], images) as named:
        extends = extended_captions(out, named, settings)
        write_captions(out, named, tokenizer, max_length, origin, extends)
    if extends:
        print_info(f"all images and captions of the earlier {out} are unchanged, so models made from it stay valid")
    for line in summary:
        print_info(line)
    if unsegmented:
        print_warning(unsegmented)
    return out


def _limited(images: "list[ImageRecord]", limit: int) -> "list[ImageRecord]":
    """The first ``limit`` images of each split."""
    counts: Counter[str] = Counter()
    selected = []
    for image in images:
        counts[image.split] += 1
        if counts[image.split] <= limit:
            selected.append(image)
    return selected


def _unsegmented_advice(images: "list[ImageRecord]", segmenter: "Segmenter") -> str:
    from clcap_cli.segmentation.scripts import unsegmented_advice

    captions = (caption for image in images for caption in image.captions)
    return unsegmented_advice([caption if caption.isascii() else segmenter.text(caption) for caption in captions])


def _summary(images: "list[ImageRecord]", tokenizer: "WordTokenizer", min_count: int, max_length: int) -> Iterable[str]:
    """One line for each split and for the vocabulary, then advice where many words are unknown or many captions cut."""
    from clcap_cli.datasets.records import counted
    from clcap_cli.datasets.split_names import split_sizes
    from clcap_cli.tokenizers.unknown_words import advice, cut_advice, unknown_share

    segmenter = tokenizer.segmenter
    unit = segmenter.unit
    sizes = split_sizes(image.split for image in images)
    captions: dict[str, list[list[str]]] = {split: [] for split in sizes}
    for image in images:
        captions[image.split].extend(map(segmenter.split, image.captions))
    words = {split: Counter(chain.from_iterable(own)) for split, own in captions.items()}
    for split, own in captions.items():
        if not own:
            yield f"{split}: {counted(sizes[split], 'image')} without captions"
            continue
        cut = sum(len(caption) > max_length for caption in own)
        yield (
            f"{split}: {counted(sizes[split], 'image')}, {counted(len(own), 'caption')}, "
            f"{counted(words[split].total(), unit.removesuffix('s'))} "
            f"({unknown_share(words[split], words['train'], min_count):.1%} unknown), "
            f"{counted(cut, 'caption')} cut at {max_length} {unit}"
        )
    yield f"vocabulary: {len(tokenizer.words):,} {unit} that occur at least {min_count} times in the training captions"
    yield from filter(None, (advice(split, own, words["train"], min_count, unit) for split, own in words.items()))
    yield from filter(None, [cut_advice([len(caption) for caption in captions["train"]], max_length, unit)])
