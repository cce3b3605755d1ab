"""Autocast precision of training: bf16 on devices with bf16 instructions, otherwise fp32.

Without such instructions bf16 is emulated, and matrix products take 15 to 120 times as long as in fp32.
"""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from clcap_cli.console import print_info, print_warning

Precision = Literal["auto", "fp32", "bf16"]
"""Precision of matrix products in training; log-probabilities are summed in fp32."""
CPU_INFO = Path("/proc/cpuinfo")
CPU_FLAGS = {"avx512_bf16": "AVX-512-bf16", "amx_bf16": "AMX"}
"""Instruction sets with which PyTorch multiplies bf16 matrices faster than fp32 ones, by their Linux flags."""


def choose_precision(requested: Precision, device: torch.device) -> Precision:
    """The precision of training on ``device``; 'auto' is bf16 if that is faster. Prints the choice and its reason."""
    obstacle = bf16_obstacle(device)
    if requested == "bf16" and obstacle:
        print_warning(f"--precision bf16 is much slower than fp32 here: {obstacle}")
    if requested != "auto":
        return requested
    print_info(
        f"precision: fp32 ({obstacle})" if obstacle else "precision: bf16, for which this machine has instructions"
    )
    return "fp32" if obstacle else "bf16"


def bf16_obstacle(device: torch.device) -> str | None:
    """Reason why bf16 products are not faster than fp32 ones on ``device``; None if they are."""
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
        return None if fast else "this GPU has no bf16 instructions, which came with compute capability 8.0"
    if device.type == "cpu" and CPU_FLAGS.keys() & _cpu_flags():
        return None
    return f"no {' or '.join(CPU_FLAGS.values())} on this {_describe_device(device)}"


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute fp32 matrix products and convolutions in the block without TF32, PyTorch's default for convolutions."""
    cudnn: Any = torch.backends.cudnn
    backends = (torch.backends.cuda.matmul, cudnn.conv)
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def _describe_device(device: torch.device) -> str:
    return f"{platform.machine()} processor" if device.type == "cpu" else f"{device.type} device"


def _cpu_flags() -> set[str]:
    if not CPU_INFO.exists():
        return set()
    lines = (line.partition(":") for line in CPU_INFO.read_text(errors="replace").splitlines())
    return {flag for name, _, flags in lines if name.strip() == "flags" for flag in flags.split()}
