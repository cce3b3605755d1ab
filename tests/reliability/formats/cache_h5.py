"""Caches beside other files, such as ``nt.reference.h5``, as train-cl reads them without being asked."""

from pathlib import Path

from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS, mutate_hdf5
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Read its arrays as the run that made it would, and describe it."""
    fork_directly()
    from clcap_cli.artifacts.cache import ArrayCache
    from clcap_cli.artifacts.lineage import read_provenance
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.stages.show import show

    found = read_provenance(path)
    inputs = [(item.role, Path(item.path), item.id) for item in found.inputs]
    ArrayCache(path, found.format, Origin(found.stage, found.settings, inputs))
    show(path)


FORMAT = Format(
    "cache_h5",
    "x.h5",
    read,
    [*files_of("features.neighbours.h5"), *files_of("*.reference.h5")],
    (mutate_hdf5,),
    HDF5_TOKENS,
)
