"""extract-features: the images that captions.h5 lists -> features.h5."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from clcap_cli.artifacts.preconditions import CAPTIONS, HDF5_FILE
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS, MaxPixels
from clcap_cli.input_files import InputFolderOrTar
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.image_check import SkippedImages
    from clcap_cli.features.image_files import ImageFile


@stage
def extract_features(
    captions: Annotated[Path, CAPTIONS, Argument("captions.h5 that lists the images.")],
    images: Annotated[list[Path], InputFolderOrTar(), Option("Folder or tar archive of image files.")],
    out: Annotated[Path, HDF5_FILE, output()] = Path("features.h5"),
    backbone: Annotated[
        str, Option("Backbone: a network of timm or of an installed package.", Panel.MODEL, placeholder="NAME")
    ] = "tf_efficientnet_lite0",
    weights: Annotated[
        str | None,
        Option(
            "Backbone weights: a state dict file, or 'random'.", Panel.MODEL, "ImageNet weights", placeholder="FILE"
        ),
    ] = None,
    image_size: Annotated[
        int | None, Ge(32), Option("Side of the square network input in pixels.", Panel.MODEL, "the backbone's own")
    ] = None,
    skip_bad: Annotated[bool, Option("Skip missing and unreadable images, and list them.", name="--skip-bad")] = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Extract the features of images with a backbone.

    The features of an image are the backbone's grid and its pooled vector, stored as float16.

    Example: clcap extract-features captions.h5 --images train2017 --images val2017 --out features.h5
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_free_space, check_writable
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.features.duplicates import same_image_warning
    from clcap_cli.features.image_check import SkippedImages
    from clcap_cli.features.pixel_limit import limit_pixels

    listed = open_captions(captions)
    origin = Origin("extract-features", settings)
    origin.add_input("captions", listed)
    out = check_writable(out, origin.input_paths)
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    skipped = SkippedImages(len(names), skip_bad)
    limit_pixels(max_pixels)
    files = _find_and_check(images, names, skipped)
    from clcap_cli.artifacts.feature_writer import write_features  # with PyTorch, which takes seconds to import
    from clcap_cli.compute.devices import keep_freed_memory
    from clcap_cli.features.backbone import load_backbone
    from clcap_cli.features.extraction import BATCH_SIZE, extract_batches

    keep_freed_memory()
    network = load_backbone(backbone, weights, image_size, compute.start())
    count = len(listed.image_ids)
    info = network.info
    size = count * info.bytes_per_image() / 2**20
    print_info(
        f"{count} images, {info.name} at {info.image_size} pixels: {info.regions} regions of {info.grid_channels}, "
        f"pooled {info.pooled_channels}; the file will take {size:,.1f} MiB"
    )
    check_free_space(out, size)
    digests: dict[ImageId, bytes] = {}
    batches = extract_batches(network, files, skipped, digests)
    total = -(-len(files) // BATCH_SIZE)
    write_features(out, names, info, progress(batches, total, f"batches of {BATCH_SIZE} images"), origin)
    skipped.report("the stages that follow do without them")
    if warning := same_image_warning(digests, names, dict(zip(listed.image_ids, listed.splits, strict=True))):
        print_warning(warning)
    return out


def _find_and_check(
    folders: list[Path], names: "Mapping[ImageId, str]", skipped: "SkippedImages"
) -> "dict[ImageId, ImageFile]":
    """The files of the images whose header can be read; raises ClcapError for others that are not to be skipped."""
    from clcap_cli.features.image_check import check_headers
    from clcap_cli.features.image_finder import find_images, open_stores

    found = find_images(open_stores(folders), names)
    if note := found.note():
        print_info(note)
    skipped.reasons |= found.missing
    readable = check_headers(found.files, skipped)
    skipped.raise_unless_usable()
    return readable
