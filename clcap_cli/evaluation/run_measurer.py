"""Measures runs on resamples of their images, each run only once."""

from collections.abc import Sequence
from pathlib import Path

from clcap_cli.console import print_info
from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.measured_setting import MeasuredRun, MeasuredSetting, measure_run, measure_setting
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.seed_groups import SeedGroup
from clcap_cli.evaluation.stored_context import stored_context
from clcap_cli.metrics.bootstrap import RESAMPLES, Resamples, draw_resamples


class RunMeasurer:
    """Measures runs on a number of resamples of one seed; tables with the same runs share the results."""

    def __init__(self, seed: int = 0, resamples: int = RESAMPLES):
        self._seed, self._number = seed, resamples
        self._resamples: dict[int, Resamples] = {}
        self._measured: dict[tuple[Path, tuple[ImageId, ...]], MeasuredRun] = {}

    def measure(self, groups: Sequence[SeedGroup], ids: Sequence[ImageId]) -> list[MeasuredSetting]:
        """The settings' values over the images ``ids``."""
        new = [run for group in groups for run in group.runs if (run.path, tuple(ids)) not in self._measured]
        if len(new) > 1:
            print_info(f"resampling {len(ids)} images for {len(new)} runs")
        return [self._setting(group, ids) for group in groups]

    def _setting(self, group: SeedGroup, ids: Sequence[ImageId]) -> MeasuredSetting:
        runs = [self._run(run, ids) for run in group.runs]
        return measure_setting(runs, group.seeds, stored_context(group.runs[0]))

    def _run(self, run: Run, ids: Sequence[ImageId]) -> MeasuredRun:
        key = run.path, tuple(ids)
        if key not in self._measured:
            images = [run.entries[id] for id in ids]
            self._measured[key] = measure_run(images, stored_context(run), self._resamples_of(len(ids)))
        return self._measured[key]

    def _resamples_of(self, images: int) -> Resamples:
        if images not in self._resamples:
            self._resamples = {images: draw_resamples(images, self._seed, self._number)}
        return self._resamples[images]
