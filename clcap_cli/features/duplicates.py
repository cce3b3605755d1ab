"""Images that are the same file under two ids, in two splits."""

from collections.abc import Mapping

from clcap_cli.datasets.records import ImageId

NAMED_IMAGES = 3


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
