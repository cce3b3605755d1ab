"""Where tensors live, and how the same seed gives the same metrics."""

import ctypes
import os
import sys
from functools import partial
from typing import Any

import torch

from clcap_cli.compute.process import at_stage_end
from clcap_cli.errors import ClcapError

_debugging: Any = torch.utils.deterministic
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""From glibc's malloc.h."""


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
        raise ClcapError(f"no device '{name}' on this machine, which has: {there}")
    return torch.device(name)


def make_reproducible() -> None:
    """Let the same seeds give the same bytes again, on the same machine, until the running stage ends.

    Without it PyTorch adds up some gradients in the order in which its threads happen to finish.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for that
    before = torch.are_deterministic_algorithms_enabled()
    warns, fills = torch.is_deterministic_algorithms_warn_only_enabled(), _debugging.fill_uninitialized_memory
    at_stage_end(partial(torch.use_deterministic_algorithms, before, warn_only=warns))
    at_stage_end(partial(setattr, _debugging, "fill_uninitialized_memory", fills))
    torch.use_deterministic_algorithms(True, warn_only=True)
    _debugging.fill_uninitialized_memory = False  # slow


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc.

    glibc gives large blocks back to the system at once, and taking them anew, page by page, takes a CPU longer than
    a small network's layer does to fill them.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
