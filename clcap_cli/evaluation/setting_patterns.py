"""Runs grouped into settings by patterns of their names, for captions of programs that record no settings."""

import re
from collections import Counter
from collections.abc import Sequence

from clcap_cli.artifacts.differing_settings import seeds_by_role
from clcap_cli.console import print_info, print_warning
from clcap_cli.errors import InvalidValueError
from clcap_cli.evaluation.run_names import LAST_NUMBER, SEED
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.seed_groups import SeedGroup, distinct_runs, evaluated_alike

OPTION = "setting"
SUFFIXES = (".metrics.json", ".retrieval.json")


def group_by_pattern(runs: Sequence[Run], patterns: Sequence[str]) -> list[SeedGroup]:
    """The runs in groups of one pattern each, in the order of the patterns.

    A pattern is the end of a run's path without the suffixes of its files; ``{seed}`` matches any digits. Raises
    InvalidValueError for a run that matches no or several patterns, a pattern without runs, and two runs of one seed.
    """
    groups: dict[str, dict[int, Run]] = {pattern: {} for pattern in patterns}
    for run in distinct_runs(runs):
        pattern, seed = _matched(run, patterns)
        group = groups[pattern]
        if seed in group:
            advice = f"has the same seed as {group[seed].path}" if SEED in pattern else f"needs {SEED} to match several"
            raise InvalidValueError(OPTION, f"'{pattern}' also matches {run.path}, which {advice}")
        group[seed] = run
    for pattern, group in groups.items():
        _check(pattern, list(group.values()))
    return [
        SeedGroup(runs[0].name if len(runs := list(group.values())) == 1 else _stem(pattern), runs, list(group))
        for pattern, group in groups.items()
    ]


def advise_patterns(runs: Sequence[Run]) -> None:
    """Suggest patterns for runs that record no seeds and whose names differ only in their last number."""
    names = [run.path.name for run in runs if not seeds_by_role(run.made_from)]
    counts = Counter(LAST_NUMBER.sub(SEED, name) for name in names)
    patterns = [f"--setting '{pattern}'" for pattern, count in counts.items() if count > 1]
    if patterns:
        print_info(f"if these runs differ only in their seeds, which they do not record, add {' '.join(patterns)}")


def _matched(run: Run, patterns: Sequence[str]) -> tuple[str, int]:
    """The pattern that a run matches, and its seed; 0 for a pattern without one."""
    name = run.path.as_posix()
    matches = {pattern: match for pattern in patterns if (match := _expression(pattern).fullmatch(name))}
    if len(matches) != 1:
        found = " and ".join(f"'{pattern}'" for pattern in matches) or f"none of them; {SEED} stands for any digits"
        raise InvalidValueError(OPTION, f"every run belongs to one pattern, but {run.path} matches {found}")
    ((pattern, match),) = matches.items()
    return pattern, int(match["seed"] if SEED in pattern else 0)


def _stem(pattern: str) -> str:
    """The pattern without the suffix of a run's files."""
    suffix = next((suffix for suffix in SUFFIXES if pattern.endswith(suffix)), "")
    return pattern.removesuffix(suffix)


def _expression(pattern: str) -> re.Pattern[str]:
    start, *rest = map(re.escape, _stem(pattern).split(SEED))
    digits = ["(?P<seed>[0-9]{1,18})", *["(?P=seed)"] * len(rest)]
    return re.compile("(?:.*/)?" + start + "".join(digit + part for digit, part in zip(digits, rest, strict=False)))


def _check(pattern: str, runs: Sequence[Run]) -> None:
    if not runs:
        raise InvalidValueError(OPTION, f"no run matches '{pattern}'; a pattern is a file's name without {SUFFIXES[0]}")
    for run in runs[1:]:
        if not evaluated_alike(runs[0], run):
            print_warning(f"{runs[0].path} and {run.path} of '{pattern}' were evaluated differently")
