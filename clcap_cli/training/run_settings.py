"""Settings of a training run that do not change its result."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from clcap_cli.compute.processes import are_launched
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, Panel
from clcap_cli.tracking.registry import TrackerName


@dataclass(frozen=True)
class SaveInterval:
    """Number of steps or of seconds between two saved states; the other one is infinite."""

    steps: float = float("inf")
    seconds: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a number of steps, such as "500", or of minutes, such as "10m"; raises ValueError for other text."""
        found = re.fullmatch(r"(\d{1,9})|(\d{1,9}(?:\.\d{1,9})?)m", text)
        if not found or not float(found[1] or found[2]):
            raise ValueError(f"'{text}' is neither a number of steps, such as 500, nor of minutes, such as 10m")
        return cls(steps=int(found[1])) if found[1] else cls(seconds=60 * float(found[2]))

    def has_passed(self, steps: int, seconds: float) -> bool:
        """Whether it is over after this many steps and seconds."""
        return steps >= self.steps or seconds >= self.seconds


@dataclass(frozen=True)
class SaveIntervalText:
    """Annotation of a text that ``SaveInterval.parse`` accepts."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_checked, handler(source))


def _checked(text: str) -> str:
    SaveInterval.parse(text)
    return text


@dataclass(frozen=True)
class RunSettings:
    """Saving, resuming and tracking of a training run, and whether its processes divide the model."""

    resume: Annotated[
        bool,
        Option(
            "Continue an interrupted run from its saved state, or start from the beginning if there is none.",
            Panel.OUTPUT,
            name="--resume",
        ),
    ] = False
    save_every: Annotated[
        str,
        SaveIntervalText(),
        Option(
            "Interval at which the state of the run is saved: a number of steps, such as 500, or of minutes, such as "
            "10m.",
            Panel.OUTPUT,
            placeholder="INTERVAL",
        ),
    ] = "10m"
    track: Annotated[
        str | None,
        TrackerName(),
        Option(
            "Also write the metrics of each validation for another program: tensorboard or mlflow.",
            Panel.OUTPUT,
            "only the log is written",
            placeholder="NAME",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Option(
            "Only try what the run needs (a step, validation, memory, room for its files), print what it will take, "
            "and write nothing.",
            Panel.OUTPUT,
            name="--dry-run",
        ),
    ] = False
    no_preflight: Annotated[
        bool,
        Option(
            "Do not try a step, and whether there is room for all files, before training starts.",
            Panel.OUTPUT,
            name="--no-preflight",
        ),
    ] = False

    fsdp: Annotated[
        bool,
        Option(
            "Divide weights, gradients and the state of the optimiser over the processes, by PyTorch's FSDP2, for "
            "captioners that do not fit on one GPU.",
            Panel.COMPUTATION,
            name="--fsdp",
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.fsdp and not are_launched():
            raise InvalidValueError(
                "fsdp", "this is one process; start several with torchrun --nproc-per-node, or leave it out"
            )
        if self.dry_run and self.no_preflight:
            raise InvalidValueError("no_preflight", "--dry-run is given too, which does only that")
