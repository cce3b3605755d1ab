"""Runs grouped into settings: runs of one setting differ only in their seeds."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from clcap_cli.artifacts.differing_settings import differing_settings, seeds_by_role
from clcap_cli.console import print_warning
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import first_few
from clcap_cli.evaluation.run_names import setting_patterns
from clcap_cli.evaluation.runs import Run

SAMPLING_SEED = re.compile(r", seed (\d+)")
"""The seed of sampled captions in a signature."""


@dataclass(frozen=True)
class SeedGroup:
    """The runs of one setting."""

    pattern: str
    """What the names of its runs have in common, such as "nt_{seed}"; the name of a single run."""
    runs: list[Run]
    seeds: list[Hashable]
    """A different seed for each run, by which runs of two settings are paired."""

    @property
    def name(self) -> str:
        """The pattern with the number of seeds, if there are several."""
        return f"{self.pattern}, {len(self.runs)} seeds" if len(self.runs) > 1 else self.pattern

    def entries(self, ids: Sequence[ImageId]) -> list[list[dict[str, Any]]]:
        """The entries of these images, in this order, for every run."""
        return [[run.entries[id] for id in ids] for run in self.runs]


def seeds_of(runs: Sequence[Run]) -> list[Hashable]:
    """A different seed for each of the runs of a setting.

    If several stages had different seeds, the seed is that of the first of these stages, such as train-mle for a model
    that train-cl fine-tuned. Where runs share that seed, it is the seeds of all these stages.
    """
    by_run = [_seeds(run) for run in runs]
    varying = [role for role in by_run[0] if len({seeds.get(role) for seeds in by_run}) > 1]
    first = [seeds.get(varying[-1]) if varying else None for seeds in by_run]
    return first if len(set(first)) == len(first) else [tuple(map(seeds.get, varying)) for seeds in by_run]


def group_by_setting(runs: Sequence[Run]) -> list[SeedGroup]:
    """The runs in groups that differ only in their seeds, in the order of each group's first run.

    Warns of runs that are not another seed: copies of a run, which are left out if there is anything else to compare,
    and runs with the seeds of another run, which become a setting of their own, as do runs that record no seeds.
    """
    groups: list[list[Run]] = []
    for run in distinct_runs(runs):
        group = next((group for group in groups if _same_setting(group[0], run)), [])
        same_seeds = next((other for other in group if _seeds(other) == _seeds(run)), None)
        if group and same_seeds is None:
            group.append(run)
        else:
            groups.append([run])
        if same_seeds is not None and seeds_by_role(run.made_from) and not _same_run(same_seeds, run):
            print_warning(
                f"{run.name} has the same settings and seeds as {same_seeds.name}, so it is no further seed of that "
                "setting; it is compared as a setting of its own"
            )
    for group in groups:
        _warn_of_shared_start(group)
    patterns = setting_patterns([[run.name for run in group] for group in groups])
    return [SeedGroup(pattern, group, seeds_of(group)) for pattern, group in zip(patterns, groups, strict=True)]


def _warn_of_shared_start(group: Sequence[Run]) -> None:
    starts = [card.id for run in group for card in run.made_from if card.role == "target"]
    if len(set(starts)) < len(starts):
        print_warning(
            f"runs like {group[0].name} were fine-tuned from the same model, so p over seeds says nothing about the "
            "seed of that model"
        )


def distinct_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs without copies, which are warned of; if all are copies of one run, the first two."""
    found: list[tuple[Run, list[str]]] = []
    for run in runs:
        copies = next((names for original, names in found if _same_run(original, run)), None)
        if copies is None:
            found.append((run, []))
        else:
            copies.append(run.name)
    for original, names in found:
        if names:
            print_warning(
                f"{first_few(names)} {'is' if len(names) == 1 else 'are'} the same run as {original.name}, so only "
                f"{original.name} is compared, and counted as a seed"
            )
    return [run for run, _ in found] if len(found) > 1 else list(runs[:2])


def _same_run(one: Run, other: Run) -> bool:
    if not one.made_from:
        return _ids(one) == _ids(other)
    cards = [[(card.role, card.id) for card in run.made_from] for run in (one, other)]
    captions = [[(id, entry["caption"]) for id, entry in run.entries.items()] for run in (one, other)]
    return one.signatures == other.signatures and cards[0] == cards[1] and captions[0] == captions[1]


def _ids(run: Run) -> list[str]:
    return [source.provenance.id for source in run.sources]


def evaluated_alike(one: Run, other: Run) -> bool:
    """Whether two runs have the same signatures, except for the seed of sampled captions."""
    signatures = [{name: SAMPLING_SEED.sub("", text) for name, text in run.signatures.items()} for run in (one, other)]
    return signatures[0] == signatures[1]


def _same_setting(one: Run, other: Run) -> bool:
    return (
        bool(one.made_from) and evaluated_alike(one, other) and not differing_settings([one.made_from, other.made_from])
    )


def _seeds(run: Run) -> dict[str, Hashable]:
    """The seeds of a run by role: that of sampled captions, then those of the files that it was created from."""
    sampling = {seed for signature in run.signatures.values() for seed in SAMPLING_SEED.findall(signature)}
    return {"sampled captions": tuple(sorted(sampling)), **seeds_by_role(run.made_from)}
