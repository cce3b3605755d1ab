"""extract-features: the images that captions.h5 lists -> features.h5."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from clcap_cli.artifacts.preconditions import CAPTIONS, OutputFile
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import InputFolder
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.features.extraction import SkippedImages


@stage
def extract_features(
    captions: Annotated[Path, CAPTIONS, Argument("captions.h5 that lists the images.")],
    images: Annotated[list[Path], InputFolder(), Option("Folder of image files.")],
    out: Annotated[Path, OutputFile(), output()] = Path("features.h5"),
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
    from clcap_cli.features.images import find_image

    listed = open_captions(captions)
    origin = Origin("extract-features", settings)
    origin.add_input("captions", listed)
    out = check_writable(out, origin.input_paths)
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    paths = {id: find_image(images, name) for id, name in names.items()}
    if not skip_bad:
        _check_all_exist(list(paths.values()))
    from clcap_cli.artifacts.feature_writer import write_features  # with PyTorch, which takes seconds to import
    from clcap_cli.compute.devices import keep_freed_memory
    from clcap_cli.features.backbone import load_backbone
    from clcap_cli.features.extraction import BATCH_SIZE, ImageFile, SkippedImages, extract_batches

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
    skipped = SkippedImages() if skip_bad else None
    batches = extract_batches(network, [ImageFile(id, path) for id, path in paths.items()], skipped)
    total = -(-count // BATCH_SIZE)
    write_features(out, names, info, progress(batches, total, f"batches of {BATCH_SIZE} images"), origin)
    _report_skipped(skipped, count)
    return out


def _check_all_exist(images: list[Path]) -> None:
    from clcap_cli.input_files import NoSuchFileError, check_readable, is_file

    missing = [path for path in images if not is_file(path)]
    if missing:
        try:
            check_readable(missing[0])
        except NoSuchFileError as error:
            raise ClcapError(
                f"{len(missing)} of {len(images)} images are not there, the first is {missing[0]}; "
                "check --images, or leave them out with --skip-bad"
            ) from error


def _report_skipped(skipped: "SkippedImages | None", images: int) -> None:
    if not skipped or not skipped.reasons:
        return
    print_warning(f"{len(skipped.reasons)} of {images} images left out; the stages that follow do without them:")
    for id, reason in skipped.reasons:
        print_info(f"  {id}: {reason}")
