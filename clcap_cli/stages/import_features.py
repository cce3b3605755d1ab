"""import-features: region features that another program made -> features.h5."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.console import say
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import Out
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.imported import RegionFeatures


@stage
def import_features(
    captions: Annotated[Path, Argument("captions.h5, which lists the images.")],
    regions: Annotated[Path, Argument("Folder of .npz or .npy files, HDF5 file, or bottom-up attention's .tsv.")],
    out: Out = Path("features.h5"),
    skip_bad: Annotated[bool, Option("Leave out images that have no regions, and list them.", "--skip-bad")] = False,
) -> Path:
    """Import region features that another program made; the number of regions may differ from image to image.

    An image's regions are called by its id or by its file name without the ending: ID.npz (with the array feat,
    features, x or its only one), ID.npy, or the key ID in an HDF5 file. Their mean is the image's pooled vector.

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
    out = check_writable(out or Path("features.h5"), [*origin.input_paths, regions])
    found = open_regions(regions)
    keys = _keys(listed, found)
    if found.empty:
        say(f"{len(found.empty)} entries of {regions} have no regions: {first_few(found.empty)}")
    missing = [id for id in listed.image_ids if id not in keys]
    if not keys or (missing and not skip_bad):
        raise ClcapError(
            f"{regions} has no regions of {len(missing)} of {len(listed.image_ids)} images: {first_few(missing)}; "
            "they are called by the image's id or file name; --skip-bad leaves these images out"
        )
    counts = {id: found.shapes[key][0] for id, key in keys.items()}
    most, channels = max(counts.values()), found.channels
    check_free_space(out, (sum(counts.values()) + len(counts)) * channels * 2 / 2**20)
    info = ImportedInfo(name=regions.name, regions=most, grid_channels=channels, pooled_channels=channels)
    say(f"{len(counts)} images, {min(counts.values())} to {most} regions of {channels} channels")
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    write_regions(out, names, counts, lambda id: found.read(keys[id]), info, origin)
    if missing:
        say(f"{len(missing)} images left out; the stages that follow do without them: {first_few(missing)}")
    unused = len(found.shapes) - len(keys)
    if unused:
        say(f"{unused} images of {regions} are not in {captions}")
    return out


def _keys(listed: "Captions", found: "RegionFeatures") -> "dict[ImageId, str]":
    """What each image is called in the region features, for those that are there."""
    keys: dict[ImageId, str] = {}
    owner: dict[str, ImageId] = {}
    for id, name in zip(listed.image_ids, listed.file_names, strict=True):
        called = [key for key in dict.fromkeys((name, str(id), Path(name).stem)) if key in found.shapes]
        if name in called:
            called = [name]
        if len(called) > 1:
            raise ClcapError(
                f"{found.path} has '{called[0]}' and '{called[1]}', and image {id}, {name}, could be either; call the "
                f"regions by the images' whole file names, as in {name}.npy"
            )
        if not called:
            continue
        key = called[0]
        if key in owner:
            raise ClcapError(
                f"the regions called {key} in {found.path} could be of image {owner[key]} and of image {id}; call "
                "them by their ids"
            )
        keys[id], owner[key] = key, id
    return keys
