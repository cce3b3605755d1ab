"""Images that are the same file under two ids, in two splits."""

from collections.abc import Mapping

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.features import Features
from clcap_cli.console import print_warning
from clcap_cli.datasets.records import ImageId

NAMED_IMAGES = 3


def warn_of_same_images(features: Features, captions: Captions) -> None:
    """Print a warning about images with the same content in two splits, if there are any."""
    digests = [] if features.image_digests is None else map(bytes, features.image_digests)
    names, splits = (
        dict(zip(captions.image_ids, values, strict=True)) for values in (captions.file_names, captions.splits)
    )
    if warning := same_image_warning(dict(zip(features.ids, digests, strict=True)), names, splits):
        print_warning(warning)


def same_image_warning(
    digests: Mapping[ImageId, bytes], names: Mapping[ImageId, str], splits: Mapping[ImageId, str]
) -> str | None:
    """A warning about images with the same content in two splits; None if there are none."""
    by_content: dict[bytes, list[ImageId]] = {}
    for id, digest in digests.items():
        by_content.setdefault(digest, []).append(id)
    shared = [ids for ids in by_content.values() if len({splits[id] for id in ids}) > 1]
    if not shared:
        return None
    named = "; ".join(" = ".join(f"{names[id]} ({splits[id]})" for id in ids[:3]) for ids in shared[:NAMED_IMAGES])
    more = "; …" if len(shared) > NAMED_IMAGES else ""
    return f"{len(shared):,} images are in more than one split under different ids: {named}{more}"
