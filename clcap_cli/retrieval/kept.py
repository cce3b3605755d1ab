"""Keeping what a search has counted, so that a run that is stopped can be continued."""

import time
from functools import reduce

from torch import Tensor

from clcap_cli.artifacts.partial_ranks import PartialFiles, PartialRanks
from clcap_cli.compute.collectives import wait_for_all
from clcap_cli.compute.processes import is_first, processes
from clcap_cli.retrieval.best_images import BestImages

SECONDS_BETWEEN_FILES = 60.0
"""Time after which the counts are written again; a search that takes less writes none."""


class KeepsNothing:
    """Keeps nothing. ``KeepsFiles`` writes files."""

    def start(self, empty: PartialRanks) -> tuple[PartialRanks, Tensor]:
        """What this process starts from, and which images (N,) any process has counted.

        ``empty`` has counted no image.
        """
        return empty, empty.done

    def after_block(self, partial: PartialRanks) -> None:
        """Called after each block of images."""


KEEPS_NOTHING: KeepsNothing = KeepsNothing()


class KeepsFiles(KeepsNothing):
    """Writes a file for each process from time to time, and starts from the files that are there."""

    def __init__(self, files: PartialFiles):
        self.files, self.written_at = files, time.monotonic()

    def start(self, empty: PartialRanks) -> tuple[PartialRanks, Tensor]:
        """The counts of all files for the first process, and none for the others.

        Raises ClcapError for files of another run.
        """
        joined = reduce(_joined, self.files.read(empty), empty)
        wait_for_all()
        if joined.done.any() and is_first():
            self.files.write(0, joined)
            self.files.remove(0)
        wait_for_all()
        return (joined if is_first() else empty), joined.done

    def after_block(self, partial: PartialRanks) -> None:
        """Write the counts if the last time was long ago."""
        if time.monotonic() - self.written_at >= SECONDS_BETWEEN_FILES:
            self.files.write(processes().rank, partial)
            self.written_at = time.monotonic()


def _joined(one: PartialRanks, other: PartialRanks) -> PartialRanks:
    """The counts of two disjoint sets of images together, on the device of ``one``."""
    best = BestImages(one.image, one.log_prob)
    best = best.with_images(other.image.to(one.image.device), other.log_prob.to(one.image.device))
    sums = (
        getattr(one, name) + getattr(other, name).to(one.better.device) for name in ("better", "better_or_tied", "work")
    )
    better, better_or_tied, work = sums
    done = one.done | other.done.to(one.done.device)
    return PartialRanks(done, better, better_or_tied, best.image, best.log_prob, work)
