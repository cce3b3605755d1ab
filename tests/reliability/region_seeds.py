"""Small files of region features, and how import-features reads them."""

from pathlib import Path

import numpy as np

REGIONS = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)


def read_regions(path: Path) -> None:
    """Read all regions in a file, or in the folder of an array."""
    from clcap_cli.features.imported import open_regions

    regions = open_regions(path.parent if path.suffix in (".npy", ".npz") else path)
    assert all(array.shape[1] == regions.channels for array in regions.read(list(regions.shapes)))
