"""caption: a checkpoint and images -> COCO results."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clcap_cli.errors import ClcapError
from clcap_cli.stages.options import Beam, CaptionsFile, Device, FeaturesFile, Out, Split, Threads

if TYPE_CHECKING:
    import torch

    from clcap_cli.artifacts.checkpoints import Checkpoint
    from clcap_cli.artifacts.features import Features
    from clcap_cli.datasets.records import ImageId


def caption(
    checkpoint: Annotated[Path, typer.Argument(help="A captioner, *.pt.", show_default=False)],
    also: Annotated[list[Path] | None, typer.Argument(help="With --images: more of them.", show_default=False)] = None,
    split: Split = "test",
    images: Annotated[
        list[Path] | None,
        typer.Option(
            help="Image file or folder to caption instead of a split; may be given again.", show_default=False
        ),
    ] = None,
    out: Out = None,
    beam: Beam = 3,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    weights: Annotated[
        str | None,
        typer.Option(help="With --images: the backbone's weights, if they were a file.", show_default=False),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> Path:
    """Write a caption for every image of a split, or for any images, as COCO's results list.

    With --images the ids are the paths, and features are extracted with the backbone that the checkpoint names.

    Example: clcap caption nt_cl.pt --images photo.jpg holiday/ --out own.captions.json
    """
    settings = dict(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.artifacts.feature_reader import FeatureReader
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import write_caption_results
    from clcap_cli.devices import choose_device
    from clcap_cli.stages.opened import decode_texts, open_model
    from clcap_cli.threads import use_threads

    if also and not images:
        raise ClcapError("image files behind the checkpoint go with --images: clcap caption nt.pt --images a.jpg b.jpg")
    use_threads(threads)
    origin = Origin("caption", settings)
    if images:
        opened, where = open_checkpoint(checkpoint), choose_device(device)
        origin.uses("checkpoint", opened)
        out = check_writable(out or checkpoint.with_name(f"{checkpoint.stem}.images.captions.json"), origin.read)
        model = opened.captioner(where)
        with _extracted(opened, [*images, *(also or [])], weights, where) as (ids, seen):
            _, texts = decode_texts(model, FeatureReader(seen, ids, model), beam, opened.vocabulary)
    else:
        chain = open_model(checkpoint, captions, features, device, origin)
        out = check_writable(out or checkpoint.with_name(f"{checkpoint.stem}.captions.json"), origin.read)
        rows = chain.rows_of(split)
        ids = chain.captions.ids_of(rows)
        _, texts = decode_texts(chain.model, chain.reader(rows), beam, chain.checkpoint.vocabulary)
    write_caption_results(out, dict(zip(ids, texts, strict=True)), origin)
    return out


@contextmanager
def _extracted(
    checkpoint: "Checkpoint", paths: list[Path], weights: str | None, device: "torch.device"
) -> "Iterator[tuple[list[ImageId], Features]]":
    """Ids and features of any image files, kept in a temporary file while they are needed."""
    from clcap_cli.artifacts.atomic import temporary_folder
    from clcap_cli.artifacts.features import open_features, write_features
    from clcap_cli.artifacts.inputs import check_backbone
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.backbones.backbone import load_backbone
    from clcap_cli.backbones.extraction import ImageFile, extract

    expected = checkpoint.backbone
    source = weights or (expected.weights if expected.weights == "random" else None)
    backbone = load_backbone(expected.name, source, expected.image_size, device)
    check_backbone(checkpoint, backbone.info, f"the features of {paths[0]}" + (" …" if paths[1:] else ""))
    found = dict.fromkeys(path for given in paths for path in _image_files(given))
    names: dict[ImageId, str] = {str(path): path.name for path in found}
    files = [ImageFile(str(path), path) for path in found]
    batches = extract(backbone, files, skipped=None)
    with temporary_folder() as folder:
        path = folder / "features.h5"
        write_features(path, names, backbone.info, batches, Origin("caption", {}))
        yield list(names), open_features(path)


def _image_files(path: Path) -> list[Path]:
    from clcap_cli.backbones.images import SUFFIXES
    from clcap_cli.datasets.text import flaw_of
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
