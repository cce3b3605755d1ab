"""Opening the index of features in shards, and finding 1,000 of its images, by number of images.

    python -m tests.benchmarks.feature_index --images 1000 1000000 10000000

Ten million images take 1 GB on disk and 200 s to write.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.feature_datasets import write_metadata
from clcap_cli.artifacts.feature_shards import NAMES, POSITIONS, ROWS
from clcap_cli.artifacts.features import KIND, open_features
from clcap_cli.artifacts.hdf5 import create_hdf5, write_texts
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.row_digests import IMAGE_SIZE, ROW_SIZE
from tests.artifacts.test_features import BACKBONE

FOUND = 1000


def write_index(path: Path, images: int) -> None:
    """Write the index of one shard, which does not exist."""
    names = {f"image-{number:09d}": f"{number // 1000}/{number:09d}.jpg" for number in range(images)}
    with create_hdf5(path) as (file, _):
        for name, size in (("row_digests", ROW_SIZE), ("image_digests", IMAGE_SIZE)):
            file[name] = np.zeros((images, size), dtype=np.uint8)
        write_texts(file, NAMES, ["missing.h5"])
        file[ROWS] = np.array([images])
        for name in POSITIONS:
            file[name] = np.zeros(1, dtype=np.int64)
        provenance = Origin("extract-features", {}).make_provenance(KIND, "", path)
        write_metadata(file, names, [*names], BACKBONE, hashlib.sha256(), provenance, as_index=True)


def milliseconds(path: Path, images: int, repeats: int) -> Iterator[tuple[float, float]]:
    """Times of opening the index, and of then finding the rows and names of some images."""
    for seed in range(repeats):
        numbers = np.random.default_rng(seed).integers(images, size=FOUND).tolist()
        started = time.perf_counter()
        features = open_features(path)
        opened = time.perf_counter()
        features.names_to_match([f"image-{number:09d}" for number in numbers])
        yield 1000 * (opened - started), 1000 * (time.perf_counter() - opened)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    print(f"| Images | Bytes for an image | Opening (ms) | Finding {FOUND:,} images (ms) |\n|---:|---:|---:|---:|")
    for images in given.images:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "features.h5"
            write_index(path, images)
            opening, finding = np.median([*milliseconds(path, images, given.repeats)], axis=0)
            size = path.stat().st_size / images
            print(f"| {images:,} | {size:.0f} | {opening:.0f} | {finding:.0f} |", flush=True)


if __name__ == "__main__":
    main()
