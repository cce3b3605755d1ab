"""All trackers: those of clcap and those of installed packages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clcap_cli.extras import import_optional
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
        """Raise ClcapError unless the packages that the tracker needs can be imported."""
        for module in TRACKERS.get(value).modules:
            import_optional(module, f"--track {value}")
