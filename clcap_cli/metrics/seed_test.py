"""t-tests of the difference between two settings over the seeds of their runs."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.metrics.bootstrap import varies


@dataclass(frozen=True)
class SeedTest:
    """A test of the null hypothesis that two settings do not differ on average over seeds."""

    first_seeds: Sequence[Hashable]
    """Seeds of the first setting's runs, each once."""
    second_seeds: Sequence[Hashable]
    """Seeds of the second setting's runs, each once."""

    @property
    def paired(self) -> bool:
        """Whether both settings have the same seeds."""
        return set(self.first_seeds) == set(self.second_seeds)

    @property
    def name(self) -> str:
        """The test and its number of runs."""
        if self.paired:
            return f"paired t-test over {len(self.first_seeds)} seeds"
        return f"Welch's t-test over {len(self.first_seeds)} and {len(self.second_seeds)} seeds"

    def p_value(self, first: Sequence[float], second: Sequence[float]) -> float | None:
        """The two-sided p-value of the values of both settings' runs, in the order of the seeds.

        None without spread, where a t-test is undefined: if all pairs differ by the same amount, or if all runs of each
        setting have the same value.
        """
        from scipy.stats import ttest_1samp, ttest_ind_from_stats

        if self.paired:
            differences = self._paired_differences(first, second)
            return float(ttest_1samp(differences, 0).pvalue) if varies(differences) else None
        if not varies(np.array(first)) and not varies(np.array(second)):
            return None
        moments = (moment for runs in (first, second) for moment in (np.mean(runs), np.std(runs, ddof=1), len(runs)))
        return float(ttest_ind_from_stats(*moments, equal_var=False).pvalue)

    def _paired_differences(self, first: Sequence[float], second: Sequence[float]) -> np.ndarray:
        by_seed = dict(zip(self.second_seeds, second, strict=True))
        return np.array([by_seed[seed] - value for seed, value in zip(self.first_seeds, first, strict=True)])


def seed_test(first_seeds: Sequence[Hashable], second_seeds: Sequence[Hashable]) -> SeedTest | None:
    """The test for runs with these seeds: paired where the seeds are the same, otherwise Welch's.

    None if a setting has a single run.
    """
    return SeedTest(first_seeds, second_seeds) if min(len(first_seeds), len(second_seeds)) > 1 else None
