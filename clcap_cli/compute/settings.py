"""Settings of the device and the number of threads of a stage."""

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le

from clcap_cli.console import print_details
from clcap_cli.errors import ClcapError
from clcap_cli.options import Option, Panel

if TYPE_CHECKING:
    import torch

DRIVERS = {"win32": "nvcuda.dll", "linux": "libcuda.so.1"}
"""File name of NVIDIA's driver by platform; other platforms have none."""


CHOSEN_BY_THE_RUN = ("precision", "threads", "device")
"""Settings that a run can choose for itself, and then records."""
MAX_THREADS = 1024
"""Maximum number of threads; OpenMP fails to start very many."""


@dataclass(frozen=True)
class DeviceName:
    """Annotation of a device name, which is checked without importing PyTorch, because that takes seconds."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def checked(self, name: str) -> str:
        """Return ``name``; raises ValueError if it is not the name of a device on any machine."""
        if not re.fullmatch(r"auto|(cpu|mps)(:0)?|cuda(:\d+)?", name):
            raise ValueError(f"unknown device '{name}'; expected auto, cpu, cuda, cuda:N or mps")
        return name

    def check(self, name: str) -> None:
        """Raise ClcapError if this machine lacks the driver or platform of the device."""
        if name.startswith("cuda") and not _has_cuda_driver():
            raise ClcapError(f"no device '{name}' on this machine: it has no NVIDIA driver; give --device cpu")
        if name.startswith("mps") and sys.platform != "darwin":
            raise ClcapError(f"no device '{name}' on this machine: it needs macOS; give --device cpu")


def _has_cuda_driver() -> bool:
    import ctypes

    try:
        ctypes.CDLL(DRIVERS.get(sys.platform, ""))
    except OSError:
        return False
    return sys.platform in DRIVERS


@dataclass(frozen=True)
class ComputeSettings:
    """Device and threads."""

    device: Annotated[
        str,
        DeviceName(),
        Option(
            "Device that computes: cpu, cuda, cuda:N or mps; auto uses the fastest available.",
            Panel.COMPUTATION,
            placeholder="NAME",
            suggestions=("auto", "cpu", "cuda", "mps"),
        ),
    ] = "auto"
    threads: Annotated[
        int | None, Ge(1), Le(MAX_THREADS), Option("Number of CPU threads.", Panel.COMPUTATION, "one for each core")
    ] = None

    def start(self) -> "torch.device":
        """Set the number of threads and return the device; raises ClcapError if the device is not available."""
        import torch

        from clcap_cli.compute.devices import choose_device
        from clcap_cli.compute.threads import set_threads

        set_threads(self.threads)
        device = choose_device(self.device)
        print_details(f"computing on {device} with {torch.get_num_threads()} CPU threads")
        return device
