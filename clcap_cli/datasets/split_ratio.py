"""Dividing images into training, validation and test images by a hash of their ids."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from clcap_cli.datasets.records import ImageId, counted
from clcap_cli.datasets.split_names import SPLITS
from clcap_cli.errors import InvalidValueError

LARGE_DIFFERENCE = 0.05
"""Difference between the share of a split and the share asked for above which it is described."""


@dataclass(frozen=True)
class SplitRatio:
    """Shares of the training, validation and test images.

    The split of an image depends only on its id and the seed, so it stays the same when other images are added.
    """

    shares: tuple[float, ...]
    seed: int

    @classmethod
    def parse(cls, text: str, seed: int) -> "SplitRatio":
        """Parse shares such as "0.8,0.1,0.1"; raises InvalidValueError unless they are three that add up to 1."""
        try:
            shares = tuple(float(part) for part in text.split(","))
        except ValueError:
            shares = ()
        if len(shares) != len(SPLITS) or not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise InvalidValueError(
                "split_ratio", f"'{text}' is not three shares that add up to 1, such as 0.8,0.1,0.1 (train, val, test)"
            )
        return cls(shares, seed)

    def split_of(self, id: ImageId) -> str:
        """The split of an image."""
        number = int.from_bytes(sha256(f"{self.seed}:{id}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
        within = (split for split, end in zip(SPLITS, accumulate(self.shares), strict=True) if number < end)
        last = next(split for split, share in zip(SPLITS[::-1], self.shares[::-1], strict=True) if share)
        return next(within, last)

    def describe_shares(self, splits: Iterable[str]) -> str:
        """A description of the shares in ``splits`` if they differ much from those asked for, otherwise empty."""
        sizes = Counter(splits)
        found = {split: sizes[split] / max(sizes.total(), 1) for split in SPLITS}
        wanted = dict(zip(SPLITS, self.shares, strict=True))
        if all(_is_close(found[split], wanted[split]) for split in SPLITS):
            return ""
        shares = ", ".join(
            f"{split} {sizes[split]:,} ({found[split]:.0%}, not {wanted[split]:.0%})" for split in SPLITS
        )
        return (
            f"--split-ratio divided {counted(sizes.total(), 'image')} into {shares}: each image is assigned by a hash "
            "of its id, so the shares of few images vary; another --seed divides them differently"
        )


def _is_close(found: float, wanted: float) -> bool:
    return abs(found - wanted) <= min(LARGE_DIFFERENCE, wanted / 2) and not (wanted and not found)
