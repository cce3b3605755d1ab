"""``*.log_probs.h5``, as show reads it."""

from pathlib import Path

from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS, mutate_hdf5
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Describe it."""
    fork_directly()
    from clcap_cli.stages.show import show

    show(path)


FORMAT = Format("log_probs_h5", "nt.log_probs.h5", read, files_of("nt.log_probs.h5"), (mutate_hdf5,), HDF5_TOKENS)
