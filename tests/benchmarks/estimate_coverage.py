"""How often the 95% intervals of ``self-retrieve --estimate`` contain the exact values.

    python -m tests.benchmarks.estimate_coverage nt.retrieval.json

Each seed draws captions from a file in which every caption is ranked, and computes the intervals as ``--estimate``
does.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from clcap_cli.artifacts.results import RETRIEVAL_KIND, open_results
from clcap_cli.metrics.score_interval import Interval
from clcap_cli.retrieval.estimate import draw_captions, estimate_from
from clcap_cli.retrieval.ranks import Ranks
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("Value", "Captions", "Exact", "Contained", "Too low", "Too high", "Width")


@dataclass
class Coverage:
    """The intervals of one value, whose exact value is known."""

    exact: float
    intervals: list[Interval] = field(default_factory=list)

    @property
    def contained(self) -> int:
        """Number of intervals that contain the exact value."""
        return sum(low <= self.exact <= high for low, high in self.intervals)

    def cells(self) -> list[str]:
        """The exact value, the numbers of intervals that contain it or end too low or too high, and the mean width."""
        low, high = np.array(self.intervals).T
        contained = f"{self.contained} of {len(low)}"
        too_low, too_high = (high < self.exact).sum(), (low > self.exact).sum()
        return [f"{self.exact:.4g}", contained, str(too_low), str(too_high), f"{np.mean(high - low):.3g}"]


def measure(ranks: Ranks, pool_size: int, count: int, seeds: int) -> dict[str, Coverage]:
    """The intervals of all values from ``count`` captions, for each of the seeds."""
    captions = len(ranks.better)
    exact = {name: one.value(captions) for name, one in ranks.statistics(pool_size).items()}
    found = {name: Coverage(value) for name, value in exact.items()}
    for seed in range(seeds):
        drawn = torch.from_numpy(draw_captions(captions, count, seed))
        sample = Ranks(ranks.better[drawn], ranks.tied[drawn])
        for name, interval in estimate_from(sample, pool_size, captions, seed).intervals.items():
            found[name].intervals.append(interval)
    return found


def open_ranks(path: Path) -> tuple[Ranks, int]:
    """The ranks of a retrieval file, and the number of images in its pools."""
    images = open_results(path, RETRIEVAL_KIND).images
    rank, tied, pool_size = (np.array([image[name] for image in images]) for name in ("rank", "tied", "pool_size"))
    better = np.rint(rank - 1 - (tied - 1) / 2).astype(np.int64)
    return Ranks(torch.from_numpy(better), torch.from_numpy(tied)), int(pool_size[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="*.retrieval.json of all captions")
    parser.add_argument("--captions", type=int, nargs="+", default=[250, 500, 1000], help="captions of an estimate")
    parser.add_argument("--seeds", type=int, default=500)
    given = parser.parse_args()
    ranks, pool_size = open_ranks(given.file)
    rows = [
        [name, str(count), *coverage.cells()]
        for count in given.captions
        for name, coverage in measure(ranks, pool_size, count, given.seeds).items()
    ]
    print(markdown_table(HEADINGS, rows))


if __name__ == "__main__":
    main()
