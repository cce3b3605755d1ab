"""Stages without a model: start-up, preparing 600,000 captions, and showing a features file of 25 GB."""

import json
import tempfile
from pathlib import Path

import h5py
import numpy as np

from clcap_cli.artifacts.feature_datasets import create_row_datasets
from clcap_cli.artifacts.features import KIND
from clcap_cli.artifacts.hdf5 import write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.row_digests import row_digest
from tests.artifacts.test_features import BACKBONE
from tests.benchmarks.commands import clcap, usage

IMAGES, EACH, WORDS = 120_000, 5, 30_000
REGIONS, CHANNELS = 49, 2048


def write_annotations(path: Path) -> None:
    """Write a COCO captions file."""
    draw = np.random.default_rng(0)
    lengths = draw.integers(8, 17, IMAGES * EACH)
    every = iter(np.minimum(draw.zipf(1.3, lengths.sum()), WORDS).tolist())
    captions = [" ".join(f"word{next(every)}" for _ in range(length)).capitalize() + "." for length in lengths.tolist()]
    images = [{"id": number, "file_name": f"{number:012}.jpg"} for number in range(IMAGES)]
    write_annotations = [{"id": n, "image_id": n // EACH, "caption": caption} for n, caption in enumerate(captions)]
    path.write_text(json.dumps({"images": images, "annotations": write_annotations}))


def write_features(path: Path, images: int = IMAGES) -> None:
    """Write a sparse features.h5 of zeros, of 25 GB for all images, of which little takes space on disk."""
    sizes = {"regions": REGIONS, "grid_channels": CHANNELS, "pooled_channels": CHANNELS}
    info = BACKBONE.model_copy(update=sizes)
    ids = list(range(images))
    with h5py.File(path, "w") as file:
        create_row_datasets(file, info, images)
        zeros = np.zeros(CHANNELS, np.float16), np.zeros((REGIONS, CHANNELS), np.float16)
        file["row_digests"][:] = np.frombuffer(row_digest(*zeros), np.uint8)
        write_ids(file, "ids", ids)
        write_texts(file, "names", [f"{number:012}.jpg" for number in ids])
        write_ids(file, "skipped", [])
        file.attrs["backbone"] = info.model_dump_json()
        write_provenance(file, Origin("extract-features", {}).make_provenance(KIND, "0" * 16, path))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = min(usage(clcap("--help")).seconds for _ in range(3))
        print(f"clcap --help: {started:.2f} s", flush=True)
        write_features(folder / "features.h5")
        size = (folder / "features.h5").stat().st_size / 1e9
        shown = min(usage(clcap("show", folder / "features.h5")).seconds for _ in range(3))
        print(f"clcap show features.h5, {size:.1f} GB: {shown:.2f} s", flush=True)
        write_annotations(folder / "notes.json")
        prepare = clcap("prepare-captions", "--train", folder / "notes.json", "--out", folder / "captions.h5")
        print(f"clcap prepare-captions, {IMAGES * EACH:,} captions: {usage(prepare)}")


if __name__ == "__main__":
    main()
