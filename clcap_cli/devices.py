"""Where tensors live."""

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
