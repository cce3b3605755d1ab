"""Whether a new ``features.h5`` contains everything of the earlier one that it replaces."""

from collections.abc import Mapping
from pathlib import Path

from clcap_cli.artifacts.features import Features, open_features
from clcap_cli.artifacts.provenance import extended_ids
from clcap_cli.artifacts.row_digests import row_digest
from clcap_cli.console import print_info
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file


def earlier_features(out: Path) -> Features | None:
    """The features file at ``out``; None if there is none that can be read."""
    if not is_file(out):
        return None
    try:
        return open_features(out)
    except ClcapError:
        return None


def extended_features(earlier: Features | None, digests: Mapping[ImageId, bytes]) -> list[str]:
    """Ids of the versions of ``earlier`` that a file extends whose rows have these ``digests``, with a message.

    It extends them if it has the same row for every image of ``earlier``.
    """
    if earlier is None or not all(digests.get(id) == _digest(earlier, row) for row, id in enumerate(earlier.ids)):
        return []
    print_info(f"all features of the earlier {earlier.path} are unchanged, so models made from it stay valid")
    return extended_ids(earlier.provenance)


def _digest(features: Features, row: int) -> bytes:
    if features.row_digests is None:
        return row_digest(features.pooled[row], features.regions(row))
    return features.row_digests[row].tobytes()
