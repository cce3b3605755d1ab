"""Choice of the device, reproducible computation, and memory allocation."""

import ctypes
import os
import sys
from functools import partial
from typing import Any

import numpy as np
import torch

from clcap_cli.compute.process import at_stage_end
from clcap_cli.compute.processes import local_rank, processes
from clcap_cli.errors import ClcapError

_deterministic: Any = torch.utils.deterministic
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt`` in glibc's malloc.h."""


def choose_device(name: str) -> torch.device:
    """The device called ``name``; 'auto' selects CUDA, then Apple's MPS, then the CPU, whichever is available first.

    Raises ClcapError if the device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, is_available in available.items() if is_available)
    if name.startswith("cuda") and processes().count > 1:
        return _own_gpu()
    kind, _, number = name.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not available.get(kind, False) or (number and not (number.isdecimal() and int(number) < count)):
        names = ", ".join(kind for kind, is_available in available.items() if is_available)
        raise ClcapError(f"no device '{name}' on this machine, which has: {names}")
    return torch.device(name)


def _own_gpu() -> torch.device:
    """The GPU of this process among those of its machine; raises ClcapError if there are fewer GPUs than processes."""
    own, gpus = local_rank(), torch.cuda.device_count()
    if own >= gpus:
        raise ClcapError(f"more processes than GPUs on this machine, which has {gpus}; start one process for each GPU")
    device = torch.device("cuda", own)
    torch.cuda.set_device(device)  # for collectives
    return device


def copy_to_device(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """A tensor with the values of an array on ``device``; on the CPU it shares the array's memory.

    The copy to a GPU starts from pinned memory, so that the caller does not wait for the work that the GPU still has.
    """
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def make_reproducible() -> None:
    """Make PyTorch deterministic until the running stage ends: equal seeds give equal results on the same machine.

    By default PyTorch sums some gradients in the order in which its threads finish.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS
    # torch.use_deterministic_algorithms would do the same, but imports the compiler, which takes seconds.
    at_stage_end(partial(torch.set_deterministic_debug_mode, torch.get_deterministic_debug_mode()))
    at_stage_end(
        partial(setattr, _deterministic, "fill_uninitialized_memory", _deterministic.fill_uninitialized_memory)
    )
    torch.set_deterministic_debug_mode("warn")
    _deterministic.fill_uninitialized_memory = False  # slow


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for this process instead of returning it to the system.

    glibc returns large blocks at once. Getting them back, page by page, takes longer than the computation of a small
    network's layer that fills them.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
