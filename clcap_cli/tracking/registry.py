"""All trackers: those of clcap and those of installed packages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clcap_cli.registry import NameIn, Registry

if TYPE_CHECKING:
    from clcap_cli.tracking.tracker import Tracker

TRACKERS: "Registry[type[Tracker]]" = Registry(
    "tracker",
    "clcap.trackers",
    {
        "tensorboard": "clcap_cli.tracking.tensorboard:TensorBoard",
        "mlflow": "clcap_cli.tracking.mlflow:MLflow",
    },
    base_class="clcap_cli.tracking.tracker:Tracker",
)


@dataclass(frozen=True)
class TrackerName(NameIn):
    """Annotation of a parameter that names a tracker."""

    location: str = "clcap_cli.tracking.registry:TRACKERS"

    def check(self, value: str) -> None:
        """Raise ClcapError unless the tracker can be used here."""
        TRACKERS.get(value).check(f"--track {value}")
