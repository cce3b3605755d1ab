"""Writing the index of a ``features.h5`` in several files, once all of its shards are there."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.atomic import check_writable
from clcap_cli.artifacts.feature_datasets import write_metadata
from clcap_cli.artifacts.feature_shards import NAMES, POSITIONS, ROWS
from clcap_cli.artifacts.features import KIND, Features, open_features
from clcap_cli.artifacts.features_growth import earlier_features, extended_features
from clcap_cli.artifacts.hdf5 import create_hdf5, open_hdf5, write_texts
from clcap_cli.artifacts.output_lock import BusyError
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.shard import Shard
from clcap_cli.console import print_details, print_info, print_warning
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.input_files import is_file


def write_index_if_complete(out: Path, part: Shard, names: Mapping[ImageId, str], origin: Origin) -> Features | None:
    """Write the index ``out`` with the images of ``names``, of which the shard ``part`` was just written.

    None, with a message, while another shard is missing, or was made from another captions.h5 or with another backbone.
    """
    paths = [Shard(number, part.count).path(out) for number in range(part.count)]
    if missing := [path.name for path in paths if not is_file(path)]:
        print_info(f"{out} will be written with the last shard; missing: {first_few(missing)}")
        return None
    try:
        check_writable(out, origin.input_paths)
    except BusyError:
        print_details(f"{out} is being written by another process")
        return None
    shards = [open_features(path) for path in paths]
    own = shards[part.number]
    if others := [f"{one.path.name} ({reason})" for one in shards if (reason := _difference(one, own))]:
        print_warning(
            f"{out} is not written, because shards differ from {own.path.name}: {first_few(others)}; extract them again"
        )
        return None
    _write(out, shards, names, origin)
    return open_features(out)


def _difference(shard: Features, own: Features) -> str:
    """Why two shards do not belong together; empty if they do."""
    captions = [one.provenance.input("captions") for one in (shard, own)]
    if captions[0] is None or captions[1] is None or captions[0].id != captions[1].id:
        return "made from another captions.h5"
    if names := shard.backbone.differences(own.backbone):
        return f"other {', '.join(names)}"
    return ""


def _write(out: Path, shards: Sequence[Features], names: Mapping[ImageId, str], origin: Origin) -> None:
    earlier, ids = earlier_features(out), [id for shard in shards for id in shard.ids]
    digests = np.concatenate([_known(shard.row_digests, shard) for shard in shards])
    rows = [row.tobytes() for row in digests]
    extends = extended_features(earlier, dict(zip(ids, rows, strict=True)))
    provenance = origin.make_provenance(KIND, "", out).model_copy(update={"extends": extends})
    hasher = hashlib.sha256(shards[0].backbone.model_dump_json(exclude={"weights"}).encode() + digests.tobytes())
    with create_hdf5(out) as (file, _):
        file["row_digests"] = digests
        file["image_digests"] = np.concatenate([_known(shard.image_digests, shard) for shard in shards])
        write_texts(file, NAMES, [shard.path.name for shard in shards])
        file[ROWS] = np.array([len(shard.ids) for shard in shards], dtype=np.int64)
        places = np.array([_positions(shard.path) for shard in shards], dtype=np.int64)
        for name, column in zip(POSITIONS, places.T, strict=True):
            file[name] = column
        write_metadata(file, names, ids, shards[0].backbone, hasher, provenance, as_index=True)


def _known(digests: np.ndarray | None, shard: Features) -> np.ndarray:
    if digests is None:
        raise ClcapError(f"{shard.path} was not written by extract-features; extract this shard again")
    return digests


def _positions(path: Path) -> list[int]:
    """The positions of the first bytes of the datasets of ``POSITIONS`` in a shard."""
    with open_hdf5(path, KIND) as (content, _):
        return [content[Path(name).name].offset for name in POSITIONS]
