"""caption: a checkpoint and images -> COCO results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.compute import Compute
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, Out, Seed, Split
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.checkpoints import Checkpoint
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.live import LiveFeatures
    from clcap_cli.models.captioner import Captioner


@stage
def caption(
    checkpoint: Annotated[Path, Argument("A captioner, *.pt.")],
    also: Annotated[list[Path] | None, Argument("With --images: more of them.")] = None,
    split: Split = "test",
    images: Annotated[
        list[Path] | None,
        Option("Image file or folder to caption instead of a split; may be given again."),
    ] = None,
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    weights: Annotated[
        str | None,
        Option("With --images: the backbone's weights, if they were a file."),
    ] = None,
    seed: Seed = 0,
    decoding: DecodingSettings = DecodingSettings(),
    compute: Compute = Compute(),
) -> Path:
    """Write a caption for every image of a split, or for any images, as COCO's results list.

    With --images the ids are the paths, and features are extracted with the backbone that the checkpoint names.

    Example: clcap caption nt_cl.pt --images photo.jpg holiday/ --out own.captions.json
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import write_caption_results
    from clcap_cli.stages.opened import decode_texts, open_model

    if also and not images:
        raise ClcapError("image files behind the checkpoint go with --images: clcap caption nt.pt --images a.jpg b.jpg")
    origin = Origin("caption", settings)
    if images:
        opened, where = open_checkpoint(checkpoint), compute.start()
        origin.uses("checkpoint", opened)
        out = check_writable(out or checkpoint.with_name(f"{checkpoint.stem}.images.captions.json"), origin.read)
        model = opened.captioner(where)
        source = _live(opened, model, [*images, *(also or [])], weights)
        ids: list[ImageId] = [str(path) for path in source.paths]
        _, texts = decode_texts(model, source, decoding, opened.tokenizer, seed)
    else:
        chain = open_model(checkpoint, captions, features, compute, origin)
        out = check_writable(out or checkpoint.with_name(f"{checkpoint.stem}.captions.json"), origin.read)
        rows = chain.rows_of(split)
        ids = chain.captions.ids_of(rows)
        _, texts = decode_texts(chain.model, chain.reader(rows), decoding, chain.checkpoint.tokenizer, seed)
    write_caption_results(out, dict(zip(ids, texts, strict=True)), origin)
    return out


def _live(checkpoint: "Checkpoint", model: "Captioner", given: list[Path], weights: str | None) -> "LiveFeatures":
    """The features of any image files and folders, by the backbone that the checkpoint names."""
    from clcap_cli.artifacts.feature_info import BackboneInfo
    from clcap_cli.artifacts.inputs import check_backbone
    from clcap_cli.features.backbone import load_backbone
    from clcap_cli.features.live import LiveFeatures

    expected = checkpoint.backbone
    if not isinstance(expected, BackboneInfo):
        raise ClcapError(f"{checkpoint.path} needs features {expected.description}; clcap cannot make these")
    source = weights or (expected.weights if expected.weights == "random" else None)
    device = model.output.weight.device
    backbone = load_backbone(expected.name, source, expected.image_size, device)
    check_backbone(checkpoint, backbone.info, f"the features of {given[0]}" + (" …" if given[1:] else ""))
    paths = list(dict.fromkeys(path for one in given for path in _image_files(one)))
    return LiveFeatures(backbone, paths, model)


def _image_files(path: Path) -> list[Path]:
    from clcap_cli.datasets.text import flaw_of
    from clcap_cli.features.images import SUFFIXES
    from clcap_cli.input_files import check_readable

    if not path.is_dir():
        check_readable(path)
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and not file.is_dir())
    if not found:
        raise ClcapError(f"{path} holds no images; --images takes image files and folders")
    for file in found:
        if flaw_of(str(file)):
            raise ClcapError(f"the name {file} is not valid UTF-8, so it cannot be an id; rename the file")
    return found
