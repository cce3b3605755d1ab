"""extract-features: the images that captions.h5 lists -> features.h5."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clcap_cli.artifacts.preconditions import CAPTIONS, FEATURES_FILE, InputCheckpoint
from clcap_cli.artifacts.shard import BATCH_SIZE, ShardValue, own_shard
from clcap_cli.compute.processes import is_first, write_own_files
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info, progress
from clcap_cli.continuing import print_finished
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS, MaxPixels
from clcap_cli.input_files import InputFolderOrTar
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import BACKBONE_HELP, ImageSize, output
from clcap_cli.stages.stage import flattened, stage_with

if TYPE_CHECKING:
    import torch

    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.backbone import Backbone
    from clcap_cli.features.extraction_run import ExtractionRun
    from clcap_cli.features.image_check import SkippedImages
    from clcap_cli.features.image_files import ImageFile


def _check_encoder(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for options of a backbone beside --encoder."""
    defaults = {"backbone": DEFAULT_BACKBONE, "weights": None, "image_size": None}
    for name, default in defaults.items():
        if given["encoder"] and given[name] != default:
            raise InvalidValueError(name, "cannot be combined with --encoder, which has all of its own")


@stage_with(_check_encoder, is_distributed=True)
def extract_features(
    captions: Annotated[Path, CAPTIONS, Argument("captions.h5 that lists the images.")],
    images: Annotated[
        list[Path],
        InputFolderOrTar(),
        Option("Folder of image files, or tar archives, such as photos.tar or s3://bucket/x-{000..331}.tar."),
    ],
    out: Annotated[Path, FEATURES_FILE, output()] = Path("features.h5"),
    backbone: Annotated[str, Option(BACKBONE_HELP, Panel.MODEL, placeholder="NAME")] = DEFAULT_BACKBONE,
    weights: Annotated[
        str | None,
        Option(
            "Backbone weights: a state dict file, or 'random'.", Panel.MODEL, "ImageNet weights", placeholder="FILE"
        ),
    ] = None,
    image_size: ImageSize = None,
    encoder: Annotated[
        Path | None,
        InputCheckpoint(),
        Option("Checkpoint whose image encoder is used instead of a backbone.", Panel.MODEL, "none"),
    ] = None,
    skip_bad: Annotated[bool, Option("Skip missing and unreadable images, and list them.", name="--skip-bad")] = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    resume: Annotated[
        bool,
        Option(
            "Continue an interrupted run from its features.partial; without one, start from the beginning.",
            Panel.OUTPUT,
            name="--resume",
        ),
    ] = False,
    shard: Annotated[
        str | None,
        ShardValue(),
        Option(
            "Extract only one of several parts of the images, such as 3/16, into a file of its own; the run that "
            "completes the parts writes the index that reads as one file.",
            Panel.OUTPUT,
            "all images",
            placeholder="PART",
        ),
    ] = None,
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Extract the features of images with a backbone.

    The features of an image are the backbone's grid and its pooled vector, stored as float16. The backbone can also be
    the image encoder of a checkpoint. If the output exists and comes from the same backbone, only the features of
    images that are not in it are computed. Several processes of torchrun extract a part of the images each, as several
    runs with --shard do: features-00003-of-00016.h5 for --shard 3/16.

    Example: clcap extract-features captions.h5 --images train2017 --images val2017 --out features.h5
    """
    settings = flattened(locals(), without="resume")
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.output_path import check_names_beside
    from clcap_cli.artifacts.partial_record import partial_path, record_path
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.features.image_check import SkippedImages
    from clcap_cli.features.pixel_limit import limit_pixels
    from clcap_cli.features.readable_files import readable_files

    listed = open_captions(captions)
    origin = Origin("extract-features", settings)
    origin.add_input("captions", listed)
    part = own_shard(shard)
    index, out = out, part.path(out) if part else out
    write_own_files()
    out = check_writable(out, origin.input_paths)
    check_names_beside(out, [record_path(out)])
    check_writable(partial_path(out), origin.input_paths)
    all_names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    names = part.images_of(all_names) if part else all_names
    skipped = SkippedImages(len(names), skip_bad)
    limit_pixels(max_pixels)
    files = readable_files(images, names, skipped, check_remote=False)
    from clcap_cli.artifacts.feature_index import write_index_if_complete
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.compute.collectives import wait_for_all
    from clcap_cli.compute.devices import keep_freed_memory  # with PyTorch, which takes seconds to import
    from clcap_cli.features.backbone import load_backbone
    from clcap_cli.features.duplicates import warn_of_same_images
    from clcap_cli.features.extraction_run import ExtractionRun

    run = ExtractionRun(out, listed, names, origin, resume)
    keep_freed_memory()
    device = run.compute_settings(compute).start()
    network = (
        _own_backbone(encoder, origin, device) if encoder else load_backbone(backbone, weights, image_size, device)
    )
    if run.is_finished(network.info):
        print_finished(out)
    else:
        _extract(run, network, files, skipped)
    skipped.of_all_processes().report("the stages that follow do without them")
    wait_for_all()
    if not is_first():
        return index
    features = write_index_if_complete(index, part, all_names, origin) if part else open_features(out)
    if features is None:
        return out
    warn_of_same_images(features, listed)
    return features.path


def _extract(
    run: "ExtractionRun", network: "Backbone", files: "Mapping[ImageId, ImageFile]", skipped: "SkippedImages"
) -> None:
    """Write the features file of a run."""
    from clcap_cli.artifacts.atomic import check_free_space
    from clcap_cli.features.feature_plan import FeaturePlan, digest_images

    info, number = network.info, len(run.names)
    size = number * info.bytes_per_image() / 2**20
    print_info(
        f"{run.out.name}: {number} images, {info.name} at {info.image_size} pixels: {info.regions} regions of "
        f"{info.grid_channels}, pooled {info.pooled_channels}; the file will take {size:,.1f} MiB"
    )
    check_free_space(run.out, size - run.mebibytes_on_disk)
    with run.open_partial(info, network.device) as partial, run.reporting(partial):
        digests = digest_images(files) if run.has_earlier_rows(info) else {}
        plan = FeaturePlan(network, files, skipped, run.reusable_rows(info, digests))
        kept = plan.keep_rows(partial, digests)
        run.report_kept(partial)
        remaining = len(plan.batches) - kept
        for batch in progress(plan.remaining(kept), remaining, f"batches of {BATCH_SIZE} images"):
            partial.append(batch)
        run.finish(partial)


def _own_backbone(path: Path, origin: "Origin", device: "torch.device") -> "Backbone":
    """The backbone that a checkpoint holds, which becomes an input; raises ClcapError if it holds none."""
    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.features.saved_encoder import backbone_of

    checkpoint = open_checkpoint(path)
    origin.add_input("encoder", checkpoint)
    if checkpoint.encoder is None:
        raise ClcapError(f"{path} holds no image encoder; its features are of {checkpoint.backbone.description}")
    return backbone_of(checkpoint, device, None)
