"""Region features in HDF5 files of other programs."""

import io
from pathlib import Path

import h5py

from tests.reliability.foreign_seeds import numbered
from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS
from tests.reliability.region_seeds import REGIONS, read_regions


def file(**options: object) -> bytes:
    """A file with a dataset for each of three images."""
    content = io.BytesIO()
    with h5py.File(content, "w") as written:
        for key in (7, 8, 9):
            written.create_dataset(str(key), data=REGIONS[: key - 4], **options)
    return content.getvalue()


def read(path: Path) -> None:
    """Read all regions."""
    fork_directly()
    read_regions(path)


SEEDS = numbered([file(), file(compression="gzip"), file(chunks=(1, 8), dtype="<f2")])
FORMAT = Format("regions_h5", "r.h5", read, SEEDS, tokens=HDF5_TOKENS)
