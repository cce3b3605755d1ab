"""caption: a checkpoint, or several as an ensemble, and images -> captions as COCO results."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clcap_cli.artifacts.preconditions import CheckpointOrImage, OutputFile
from clcap_cli.compute.processes import is_first, processes
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info, print_warning
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.early_checks import check_split
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS, MaxPixels
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import file_kind
from clcap_cli.input_files import ReadsAddresses, is_file
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.caption_images import caption_images, readable_images
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, ImageFolders, OneOrMore, Seed, Split, output
from clcap_cli.stages.stage import flattened, stage_with

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId

CHECKPOINT = description_of("clcap/checkpoint")
BESIDE_IMAGES = ".txt"
"""The value of --out that stands for a text file beside each image."""
SUFFIXES = (".json", ".csv", ".jsonl", BESIDE_IMAGES)
PRINTED_IMAGES = 5
"""Number of images whose captions are printed."""


def _check_paths(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for image files without --images, and where there is no checkpoint."""
    paths = given.get("checkpoints", [])
    if (out := given["out"]) and out.suffix == ".txt":
        raise InvalidValueError("out", f"'{out}': give --out .txt, which writes a text file beside each image")
    if out and out.name == BESIDE_IMAGES and (out.parent != Path() or not given["images"]):
        raise InvalidValueError("out", "'.txt' writes a text file beside each image; give the images with --images")
    others = [path for path in paths if path.suffix != ".pt"]
    if others and not given["images"]:
        raise InvalidValueError("checkpoints", _not_a_checkpoint(others[0]))
    if given["attention"] and sum(path.suffix == ".pt" for path in paths) > 1:
        raise InvalidValueError("attention", "an ensemble has no attention of its own; give one checkpoint")
    if given["attention"] and out and out.name == BESIDE_IMAGES:
        raise InvalidValueError("attention", "needs one file of captions; give another --out, such as captions.csv")
    for name, unused in (("skip_bad", False), ("max_pixels", DEFAULT_MAX_PIXELS)):
        if given[name] != unused and not given["images"]:
            raise InvalidValueError(name, "needs --images; the images of a split were read by extract-features")
    if given["split_images"] and given["images"]:
        raise InvalidValueError("split_images", "--images names the images to caption; give one of the two")
    if paths == others != []:
        raise InvalidValueError("checkpoints", "a checkpoint (*.pt) is missing: clcap caption nt.pt --images a.jpg")


def _not_a_checkpoint(path: Path) -> str:
    """Why a path is not accepted as a checkpoint, and what to do."""
    kind = file_kind(path).description if is_file(path) and os.access(path, os.R_OK) else "an image"
    if kind == CHECKPOINT:
        return f"{path} is a checkpoint, but its name does not end in .pt; rename it"
    if kind.endswith(" image"):
        return f"{path} is not a checkpoint (*.pt); give images with --images: clcap caption nt.pt --images a.jpg"
    return f"{path} is {kind}; {CHECKPOINT} is expected here"


@stage_with(_check_paths, is_distributed=True)
def caption(
    checkpoints: Annotated[
        list[Path],
        OneOrMore(),
        CheckpointOrImage(),
        Argument(
            "Captioner (*.pt); several with the same tokenizer form an ensemble. With --images, image files, folders "
            "and tar archives may follow."
        ),
    ],
    split: Split = "test",
    images: Annotated[
        list[Path] | None,
        ReadsAddresses(),
        Option(
            "Image file, or folder or tar archive of images, to caption instead of a split.",
            default="none",
            placeholder="FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        OutputFile(SUFFIXES, description_of("clcap/caption-results")),
        output("CHECKPOINT.captions.json; CHECKPOINT.images.captions.json with --images"),
    ] = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    split_images: ImageFolders = None,
    weights: Annotated[
        str | None,
        Option(
            "Backbone weights for --images, a state dict file.",
            Panel.MODEL,
            "those recorded in the checkpoint",
            placeholder="FILE",
        ),
    ] = None,
    skip_bad: Annotated[
        bool, Option("With --images, skip missing and unreadable images, and list them.", name="--skip-bad")
    ] = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    attention: Annotated[
        bool,
        Option(
            "Also write NAME.attention.h5 beside NAME.captions.json: how much each word attends to each region of its "
            "image and to the visual sentinel.",
            Panel.OUTPUT,
            name="--attention",
        ),
    ] = False,
    seed: Seed = 0,
    decoding: DecodingSettings = DecodingSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Write captions for a split or for image files.

    The output is a COCO results list or, with --out x.csv or x.jsonl, a table with the columns image_id, image and
    caption. With --images, --out .txt writes a text file beside each image. An ensemble averages the probabilities of
    its captioners at every token. With --images, features are extracted with the backbone recorded in each checkpoint,
    and the paths of the images are their ids. With --num-captions, the output has several entries for each image, the
    most likely first unless they are sampled.

    Example: clcap caption nt_cl.pt --images photo.jpg holiday/ --out own.captions.json

    Example: clcap caption nt_cl.pt aa_cl.pt --beam 5 --num-captions 5
    """
    settings = flattened(locals())
    models = [path for path in checkpoints if path.suffix == ".pt"]
    image_paths = [*(images or []), *(path for path in checkpoints if path.suffix != ".pt")]
    images_with_ids, skipped = readable_images(image_paths, skip_bad, max_pixels)
    if not image_paths:
        check_split(models[0], captions, split)
    from clcap_cli.artifacts.atomic import all_or_nothing
    from clcap_cli.artifacts.caption_tables import check_text_files, write_text_files
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import check_results_writable, write_caption_results
    from clcap_cli.decoding.captioning import ignore_block
    from clcap_cli.evaluation.model_inputs import DataPaths, caption_split, open_models, rows_of_all
    from clcap_cli.features.feature_sets import boxes_of
    from clcap_cli.stages.caption_attention import AttentionOutput

    if attention and processes().count > 1:
        raise ClcapError("--attention writes the attention of one process; start it without torchrun")
    origin, boxes = Origin("caption", settings), None
    if image_paths:
        file_names = {id: str(id) for id in images_with_ids}
        if out and out.name == BESIDE_IMAGES:
            check_text_files(images_with_ids)
        else:
            out = check_results_writable(out or _default_out(models, ".images.captions.json"), models)
        maps = AttentionOutput(out, models) if attention else None
        texts = caption_images(models, images_with_ids, skipped, weights, decoding, compute, seed, origin, maps)
    else:
        data = DataPaths(captions, features, split_images, "--split-images")
        opened = open_models(models, data, compute, origin)
        out = check_results_writable(out or _default_out(models, ".captions.json"), origin.input_paths)
        file_names = dict(zip(opened[0].captions.image_ids, opened[0].captions.file_names, strict=True))
        maps = AttentionOutput(out, origin.input_paths) if attention else None
        number, first = len(rows_of_all(opened, split)), opened[0]
        on_block = maps.start(first.checkpoint, first.model, number, decoding) if maps else ignore_block
        texts = caption_split(opened, split, decoding, seed, on_block)
        boxes = boxes_of(first.features, [*texts])
    if not is_first():
        return out
    if out.name == BESIDE_IMAGES:
        out = write_text_files(texts)
    else:
        with all_or_nothing():
            write_caption_results(out, texts, origin, file_names)
            if maps:
                maps.write([*images_with_ids] or [*texts], texts, origin, boxes)
    _print_first(texts)
    _warn_of_empty_captions(texts)
    return out


def _print_first(texts: "Mapping[ImageId, Sequence[str]]") -> None:
    """The captions of the first images."""
    for id, captions in list(texts.items())[:PRINTED_IMAGES]:
        for text in captions:
            print_info(f"{id}: {text}")
    if len(texts) > PRINTED_IMAGES:
        print_info(f"and captions for {len(texts) - PRINTED_IMAGES:,} more images")


def _warn_of_empty_captions(texts: "Mapping[ImageId, Sequence[str]]") -> None:
    from clcap_cli.evaluation.empty_texts import describe_empty

    captions = [(id, text) for id, group in texts.items() for text in group]
    if empty := describe_empty([text for _, text in captions], [id for id, _ in captions], "captions"):
        print_warning(f"{empty}; --min-words 1 prevents it")


def _default_out(models: Sequence[Path], suffix: str) -> Path:
    """The default output next to the first model: nt.captions.json, or nt+aa.captions.json for an ensemble."""
    return models[0].with_name("+".join(path.stem for path in models) + suffix)
