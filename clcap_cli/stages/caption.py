"""caption: a checkpoint, or several as an ensemble, and images -> captions as COCO results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clcap_cli.artifacts.preconditions import InputPath, OutputFile
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.early_checks import check_split
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, OneOrMore, Seed, Split, output
from clcap_cli.stages.stage import flattened, stage_with

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId

PRINTED_IMAGES = 5
"""Number of images whose captions are printed."""


def _check_paths(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for image files without --images, and where there is no checkpoint."""
    paths = given.get("checkpoints", [])
    others = [path for path in paths if path.suffix != ".pt"]
    if others and not given["images"]:
        raise InvalidValueError(
            "checkpoints",
            f"{others[0]} is not a checkpoint (*.pt); give images with --images: clcap caption nt.pt --images a.jpg",
        )
    if paths == others != []:
        raise InvalidValueError("checkpoints", "a checkpoint (*.pt) is missing: clcap caption nt.pt --images a.jpg")


@stage_with(_check_paths)
def caption(
    checkpoints: Annotated[
        list[Path],
        OneOrMore(),
        InputPath(),
        Argument(
            "Captioner (*.pt); several with the same tokenizer form an ensemble. With --images, image files and "
            "folders may follow."
        ),
    ],
    split: Split = "test",
    images: Annotated[
        list[Path] | None, InputPath(), Option("Image file or folder to caption instead of a split.", default="none")
    ] = None,
    out: Annotated[
        Path | None, OutputFile(), output("CHECKPOINT.captions.json; CHECKPOINT.images.captions.json with --images")
    ] = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    weights: Annotated[
        str | None,
        Option(
            "Backbone weights for --images, a state dict file.",
            Panel.MODEL,
            "those recorded in the checkpoint",
            placeholder="FILE",
        ),
    ] = None,
    seed: Seed = 0,
    decoding: DecodingSettings = DecodingSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Write captions for a split or for image files.

    The output is a COCO results list. An ensemble averages the probabilities of its captioners at every token. With
    --images, features are extracted with the backbone recorded in each checkpoint, and the paths of the images are
    their ids. With --num-captions, the list has several entries for each image, the most likely first unless they are
    sampled.

    Example: clcap caption nt_cl.pt --images photo.jpg holiday/ --out own.captions.json

    Example: clcap caption nt_cl.pt aa_cl.pt --beam 5 --num-captions 5
    """
    settings = flattened(locals())
    models = [path for path in checkpoints if path.suffix == ".pt"]
    image_paths = [*(images or []), *(path for path in checkpoints if path.suffix != ".pt")]
    if not image_paths:
        check_split(models[0], captions, split)
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import write_caption_results
    from clcap_cli.evaluation.model_inputs import caption_split, open_models

    origin = Origin("caption", settings)
    if image_paths:
        out = check_writable(out or _default_out(models, ".images.captions.json"), models)
        texts = _caption_images(models, image_paths, weights, decoding, compute, seed, origin)
    else:
        opened = open_models(models, captions, features, compute, origin)
        out = check_writable(out or _default_out(models, ".captions.json"), origin.input_paths)
        texts = caption_split(opened, split, decoding, seed)
    write_caption_results(out, texts, origin)
    _print_first(texts)
    return out


def _print_first(texts: "Mapping[ImageId, Sequence[str]]") -> None:
    """The captions of the first images."""
    for id, captions in list(texts.items())[:PRINTED_IMAGES]:
        for text in captions:
            print_info(f"{id}: {text}")
    if len(texts) > PRINTED_IMAGES:
        print_info(f"and captions for {len(texts) - PRINTED_IMAGES:,} more images")


def _default_out(models: Sequence[Path], suffix: str) -> Path:
    """The default output next to the first model: nt.captions.json, or nt+aa.captions.json for an ensemble."""
    return models[0].with_name("+".join(path.stem for path in models) + suffix)


def _caption_images(
    models: Sequence[Path],
    image_paths: Sequence[Path],
    weights: str | None,
    decoding: DecodingSettings,
    compute: ComputeSettings,
    seed: int,
    origin: "Origin",
) -> "dict[ImageId, list[str]]":
    from clcap_cli.evaluation.live_models import load_live_models
    from clcap_cli.evaluation.model_inputs import decode_texts, numbered_role, open_checkpoints

    checkpoints, device = open_checkpoints(models), compute.start()
    for number, checkpoint in enumerate(checkpoints):
        origin.add_input(numbered_role("checkpoint", number), checkpoint)
    files = list(dict.fromkeys(file for path in image_paths for file in _image_files(path)))
    live = load_live_models(checkpoints, device, weights)
    captioners, sources = [one.model for one in live], [one.features_of(files) for one in live]
    _, texts = decode_texts(captioners, sources, decoding, checkpoints[0].tokenizer, seed)
    return dict(zip(map(str, files), texts, strict=True))


def _image_files(path: Path) -> list[Path]:
    """The image file at ``path``, or all image files in the folder ``path`` and below."""
    from clcap_cli.datasets.text import text_flaw
    from clcap_cli.features.images import SUFFIXES
    from clcap_cli.input_files import check_readable

    if not path.is_dir():
        check_readable(path)
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and not file.is_dir())
    if not files:
        raise ClcapError(f"{path} holds no images; --images takes image files and folders")
    for file in files:
        if text_flaw(str(file)):
            raise ClcapError(f"the name {file} is not valid UTF-8, so it cannot be an id; rename the file")
    return files
