"""The plain values of ``*.pt``, as show and the search for inputs read them without PyTorch."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.seeds import files_of
from tests.reliability.torch_mutations import TORCH_TOKENS, mutate_archive, mutate_content, mutate_pickle


def read(path: Path) -> None:
    """Read its provenance, and say what the file is."""
    from clcap_cli.artifacts.lineage import read_provenance
    from clcap_cli.artifacts.plain_pickle import plain_values
    from clcap_cli.stages.show_foreign import foreign_facts

    foreign_facts(path)
    plain_values(path)
    read_provenance(path)


FORMAT = Format(
    "plain_pickle_pt",
    "nt.pt",
    read,
    [*files_of("nt.pt"), *files_of("nt_gan.evaluator.pt")],
    (mutate_content, mutate_pickle, mutate_pickle, mutate_archive),
    TORCH_TOKENS,
)
