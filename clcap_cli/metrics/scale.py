"""The range of values that a metric can take."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scale:
    """The smallest and largest possible value of a metric; None where there is no limit."""

    low: float | None = None
    high: float | Literal["N"] | None = None
    """ "N" stands for the number of images."""

    def ends(self, images: int) -> tuple[float | None, float | None]:
        """The limits for this number of images."""
        return self.low, float(images) if self.high == "N" else self.high

    def of_differences(self, images: int) -> "Scale":
        """The scale of the differences between two values, for this number of images."""
        low, high = self.ends(images)
        return Scale() if low is None or high is None else Scale(low - high, high - low)

    def __str__(self) -> str:
        """The scale as in the documentation, such as "0 to 1", "1 to N" and "from 0"."""
        if self.low is None:
            return "any number" if self.high is None else f"up to {_as_text(self.high)}"
        return f"from {_as_text(self.low)}" if self.high is None else f"{_as_text(self.low)} to {_as_text(self.high)}"


def _as_text(limit: float | str) -> str:
    return limit if isinstance(limit, str) else f"{limit:.3g}"


UNLIMITED = Scale()
SHARE = Scale(0.0, 1.0)
COUNT = Scale(0.0)
RANK = Scale(1.0, "N")
