"""Where a stage computes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from clcap_cli.options import Option

if TYPE_CHECKING:
    import torch

PANEL = "Computation"


@dataclass(frozen=True)
class ComputeSettings:
    """Device and threads."""

    device: Annotated[str, Option("cpu, cuda, mps, or auto for the best there is.", panel=PANEL)] = "auto"
    threads: Annotated[
        int | None, Ge(1), Option("Processor threads to compute with; default: one for each core.", panel=PANEL)
    ] = None

    def start(self) -> "torch.device":
        """Set the number of threads, and return the device; raises ClcapError for one that this machine lacks."""
        from clcap_cli.compute.devices import choose_device
        from clcap_cli.compute.threads import set_threads

        set_threads(self.threads)
        return choose_device(self.device)
