"""Discriminators ``*.discriminator.pt``, as train-cl reads them."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.seeds import files_of
from tests.reliability.torch_mutations import TORCH_MUTATORS, TORCH_TOKENS


def read(path: Path) -> None:
    """Build the discriminator, and describe the file."""
    import torch

    from clcap_cli.artifacts.discriminators import open_discriminator
    from clcap_cli.stages.show import show

    open_discriminator(path).discriminator(torch.device("cpu"))
    show(path)


FORMAT = Format(
    "discriminator_pt",
    "nt_gan.discriminator.pt",
    read,
    files_of("nt_gan.evaluator.pt"),
    TORCH_MUTATORS,
    TORCH_TOKENS,
)
