"""Where tensors live, and how the same seed gives the same figures."""

import os

import torch

from clcap_cli.errors import ClcapError


def choose_device(name: str) -> torch.device:
    """The device that ``name`` asks for; 'auto' is CUDA, else Apple's MPS, else the CPU.

    Raises ClcapError for a device that this machine does not have.
    """
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in have.items() if there))
    kind, _, number = name.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not have.get(kind, False) or (number and not (number.isdecimal() and int(number) < count)):
        there = ", ".join(kind for kind, available in have.items() if available)
        raise ClcapError(f"there is no device '{name}' here; there is: {there}")
    return torch.device(name)


def make_reproducible(seed: int) -> None:
    """Let the same seed give the same bytes again, on the same machine and in one process.

    Without it PyTorch adds up some gradients in the order in which its threads happen to finish.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for that
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # for debugging, slow
