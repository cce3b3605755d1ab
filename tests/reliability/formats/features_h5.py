"""``features.h5``, as training, captioning and retrieval read it."""

from pathlib import Path

from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS, mutate_hdf5
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Open it and read the features of all images."""
    fork_directly()
    from clcap_cli.artifacts.features import open_features

    features = open_features(path)
    rows = features.rows_of(features.ids)
    features.pooled_at(rows)
    features.grid_at(rows)


FORMAT = Format("features_h5", "features.h5", read, files_of("features.h5"), (mutate_hdf5,), HDF5_TOKENS)
