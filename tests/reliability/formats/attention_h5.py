"""``*.attention.h5``, as report reads it."""

from pathlib import Path

from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS, mutate_hdf5
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Open it and read the attention of all captions."""
    fork_directly()
    from clcap_cli.artifacts.attention import open_attention

    for own in open_attention(path).captions.values():
        for one in own:
            one.weights.sum()


FORMAT = Format("attention_h5", "aa.attention.h5", read, files_of("aa.attention.h5"), (mutate_hdf5,), HDF5_TOKENS)
