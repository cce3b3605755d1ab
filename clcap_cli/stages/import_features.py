"""import-features: region features from another program -> features.h5."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.artifacts.preconditions import CAPTIONS, FEATURES_FILE
from clcap_cli.console import print_info, print_warning
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.imported import RegionFeatures


@stage
def import_features(
    captions: Annotated[Path, CAPTIONS, Argument("captions.h5 that lists the images.")],
    regions: Annotated[
        Path, Argument("Folder of .npz or .npy files, an HDF5 file, or a .tsv file of bottom-up attention.")
    ],
    out: Annotated[Path, FEATURES_FILE, output()] = Path("features.h5"),
    skip_bad: Annotated[bool, Option("Skip images that have no regions, and list them.", name="--skip-bad")] = False,
) -> Path:
    """Import region features from another program.

    The number of regions may differ between images. The regions of an image are found by its id or by its file name
    without the extension: ID.npz (the array feat, features or x, or its only array), ID.npy, or the key ID of an HDF5
    file. Their mean is the image's pooled vector. If all images have boxes, in the .tsv file or as the arrays bbox,
    image_w and image_h of .npz files, they are kept too: a page of report shows attention with them.

    Example: clcap import-features captions.h5 bottom_up/ --out regions.h5
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_free_space, check_writable
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.feature_info import ImportedInfo
    from clcap_cli.artifacts.feature_writer import write_regions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.features.imported import open_regions

    listed = open_captions(captions)
    origin = Origin("import-features", settings)
    origin.add_input("captions", listed)
    out = check_writable(out, [*origin.input_paths, regions])
    source = open_regions(regions)
    keys = _keys(listed, source)
    if source.empty:
        print_info(f"{len(source.empty)} entries of {regions} have no regions: {first_few(source.empty)}")
    missing = [id for id in listed.image_ids if id not in keys]
    if not keys or (missing and not skip_bad):
        raise ClcapError(
            f"{regions} has no regions of {len(missing)} of {len(listed.image_ids)} images: {first_few(missing)}; "
            "they are called by the image's id or file name; --skip-bad leaves these images out"
        )
    counts = {id: source.shapes[key][0] for id, key in keys.items()}
    most, channels = max(counts.values()), source.channels
    check_free_space(out, (sum(counts.values()) + len(counts)) * channels * 2 / 2**20)
    info = ImportedInfo(name=regions.name, regions=most, grid_channels=channels, pooled_channels=channels)
    boxes = [source.boxes[key] for key in keys.values()] if source.boxes.keys() >= {*keys.values()} else None
    with_boxes = ", with boxes" if boxes else ""
    print_info(f"{len(counts)} images, {min(counts.values())} to {most} regions of {channels} channels{with_boxes}")
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    write_regions(out, names, counts, source.read([keys[id] for id in counts]), info, origin, boxes)
    if missing:
        print_warning(f"{len(missing)} images left out; the stages that follow do without them: {first_few(missing)}")
    unused = len(source.shapes) - len(keys)
    if unused:
        print_info(f"{unused} images of {regions} are not in {captions}")
    return out


def _keys(listed: "Captions", source: "RegionFeatures") -> "dict[ImageId, str]":
    """The key of each image in the region features, for the images that have regions there."""
    keys: dict[ImageId, str] = {}
    image_of_key: dict[str, ImageId] = {}
    for id, name in zip(listed.image_ids, listed.file_names, strict=True):
        matches = [key for key in dict.fromkeys((name, str(id), Path(name).stem)) if key in source.shapes]
        if name in matches:
            matches = [name]
        if len(matches) > 1:
            raise ClcapError(
                f"{source.path} has '{matches[0]}' and '{matches[1]}', and image {id}, {name}, could be either; "
                f"call the regions by the images' whole file names, as in {name}.npy"
            )
        if not matches:
            continue
        key = matches[0]
        if key in image_of_key:
            raise ClcapError(
                f"the regions called {key} in {source.path} could be of image {image_of_key[key]} and of image {id}; "
                "call them by their ids"
            )
        keys[id], image_of_key[key] = key, id
    return {**keys, **_keys_by_other_spelling(listed, source, keys)}


def _keys_by_other_spelling(
    listed: "Captions", source: "RegionFeatures", known: "dict[ImageId, str]"
) -> "dict[ImageId, str]":
    """The keys of further images, whose file names are spelled differently, such as in another folder or case."""
    from clcap_cli.datasets.file_names import match_names

    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    matching = match_names(names, {key: key for key in source.shapes}, known)
    for id, (images, keys) in matching.ambiguous.items():
        raise ClcapError(
            f"{source.path}: the regions called {first_few(keys)} could be of {len(images)} images, such as {id}, "
            f"{names[id]}; call them by the images' ids"
        )
    return matching.pairs
