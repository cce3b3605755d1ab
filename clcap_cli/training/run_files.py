"""Names of the files of a training run, which are all beside its checkpoint."""

from pathlib import Path


def log_path(checkpoint: Path) -> Path:
    """The training log of a checkpoint: ``nt.log.jsonl`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.log.jsonl")


def state_path(checkpoint: Path) -> Path:
    """The saved state of the unfinished run that will write a checkpoint: ``nt.state.pt`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.state.pt")


def best_path(checkpoint: Path) -> Path:
    """The best checkpoint so far of the unfinished run that will write a checkpoint: ``nt.best.pt`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.best.pt")
