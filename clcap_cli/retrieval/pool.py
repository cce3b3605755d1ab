"""The images that each caption's own image is ranked among: all of a random draw, or the most similar of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clcap_cli.errors import ClcapError

SIMILAR = "similar"
SIMILAR_IMAGES = 100
"""Default number of images in a pool of similar images; at most half of the images that are drawn."""
MIN_IMAGES = 2
DEFAULT_MAX_IMAGES = 5000
"""Maximum number of images that are drawn unless their number is given."""
FORMS = "expected a number of images, similar or similar:NUMBER"


@dataclass(frozen=True)
class Pool:
    """The value of --pool."""

    size: int | None = None
    """Number of images in a pool; None for the default."""
    similar: bool = False
    """Whether the pool of a caption consists of the images most similar to its own."""

    @classmethod
    def parse(cls, value: "int | str | None") -> "Pool":
        """The pool that ``value`` stands for: "500", "similar" or "similar:50"; None for all images.

        Raises ValueError for anything else.
        """
        if value is None or isinstance(value, int):
            return cls(_checked_size(value))
        kind, colon, number = value.strip().partition(":")
        if kind == SIMILAR:
            return cls(_number(number, value) if colon else None, similar=True)
        return cls(_number(value, value))

    @property
    def num_drawn(self) -> int:
        """Number of images that are drawn, if there are as many."""
        return DEFAULT_MAX_IMAGES if self.similar or self.size is None else self.size

    @property
    def is_drawn(self) -> bool:
        """Whether the pool has a given number of images that are drawn at random."""
        return self.size is not None and not self.similar

    def check(self, images: int, splits: Sequence[str]) -> None:
        """Raise ClcapError if ``splits``, of ``images`` images, are too small for the pool."""
        if self.size is not None and self.size > images:
            value = f"{SIMILAR}:{self.size}" if self.similar else self.size
            names = " and ".join(f"'{split}'" for split in splits)
            raise ClcapError(
                f"--pool {value} is more than the {images} images of split{'s' if len(splits) > 1 else ''} {names}"
            )

    def similar_size(self, images: int) -> int | None:
        """Number of similar images in each pool, of ``images`` that are drawn; None if all of them are the pool."""
        if not self.similar:
            return None
        return min(images, self.size or min(SIMILAR_IMAGES, max(MIN_IMAGES, images // 2)))


@dataclass(frozen=True)
class PoolValue:
    """Annotation of a parameter that describes a pool."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.checked)

    def checked(self, value: object) -> "int | str | None":
        """The value, a number of images as int; raises ValueError if it describes no pool."""
        if not isinstance(value, int | str | None):
            raise ValueError(f"{FORMS}, not '{value}'")
        pool = Pool.parse(value)
        return value if pool.similar or value is None else pool.size


def _number(text: str, value: str) -> int | None:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise ValueError(f"{FORMS}, not '{value}'")
    return _checked_size(int(text))


def _checked_size(size: int | None) -> int | None:
    if size is not None and size < MIN_IMAGES:
        raise ValueError(f"a pool has at least {MIN_IMAGES} images, not {size}")
    return size
