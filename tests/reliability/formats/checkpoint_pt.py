"""Checkpoints ``*.pt``, as every stage that takes a model reads them."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.seeds import files_of
from tests.reliability.torch_mutations import TORCH_MUTATORS, TORCH_TOKENS


def read(path: Path) -> None:
    """Build the model, and describe the file."""
    import torch

    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.stages.show import show

    open_checkpoint(path).captioner(torch.device("cpu"))
    show(path)


FORMAT = Format(
    "checkpoint_pt",
    "nt.pt",
    read,
    [*files_of("nt.pt"), *files_of("aa_cl.pt"), *files_of("tf.pt")],
    TORCH_MUTATORS,
    TORCH_TOKENS,
)
