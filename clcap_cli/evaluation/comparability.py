"""Which values of two runs were evaluated differently, so that they cannot be compared."""

from collections.abc import Mapping, Sequence

from clcap_cli.artifacts.differing_settings import DifferingSetting
from clcap_cli.artifacts.ranking import DIGITS, OWN_MODEL
from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.registry import info_of
from clcap_cli.metrics.signature import OF_DECODING, OF_IMAGES, split_signature

CAPTIONS = "results"
"""The role of a run's captions."""
RANKS = "R@1"
"""The value whose signature says how captions were ranked."""
NOT_RECORDED = "not recorded"
UNSIGNED = {"vocabulary_share_of_references": ("tok", "refs")}
"""Parts of other signatures on which values without a signature depend; "tok" for those that are not listed."""


def evaluation_differences(
    first: Run, second: Run, names: Sequence[str], ids: Sequence[ImageId]
) -> dict[str, list[str]]:
    """Differences in how the values ``names`` of the images ``ids`` were evaluated, by name; those alike are left out.

    A part that only one signature has counts as a difference, except the ranker, which earlier versions omitted.
    """
    references = _references(first, ids), _references(second, ids)
    other_texts = references[0] != references[1]
    known = any(references[0])
    alike = [*(["refs"] if known and not other_texts else []), *(["ranker"] if _same_ranker(first, second) else [])]
    found = {}
    for name in names:
        one, other = (_parts(run, name, alike) for run in (first, second))
        if one and other and (lines := _differences(one, other, other_texts)):
            older = _run_without_signature(first, second, name)
            found[name] = [_before_signatures(older, {**one, **other})] if older else lines
    return found


def _run_without_signature(first: Run, second: Run, name: str) -> Run | None:
    """The run that an earlier version of clcap evaluated without a signature of a value that the other run has."""
    signed = [run for run in (first, second) if name in run.signatures]
    return next(run for run in (first, second) if run is not signed[0]) if len(signed) == 1 else None


def _before_signatures(run: Run, parts: Mapping[str, str]) -> str:
    what = "the pool" if "pool" in parts else "how this value is measured"
    return f"{run.name} was evaluated before clcap recorded {what}; run clcap evaluate again"


def as_lines(differences: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each difference, which starts with the values that have it."""
    names: dict[str, list[str]] = {}
    for name, lines in differences.items():
        for line in lines:
            names.setdefault(line, []).append(name)
    return [f"{', '.join(having)}: {line}" for line, having in names.items()]


def decoding_differences(runs: Sequence[Run]) -> list[DifferingSetting]:
    """How the captions of the runs were decoded, where that differs and all of them record it."""
    shared = [_shared_parts(run) for run in runs]
    values = {key: [parts.get(key) for parts in shared] for key in OF_DECODING}
    return [
        DifferingSetting(CAPTIONS, key, found)
        for key, found in values.items()
        if None not in found and len(set(found)) > 1
    ]


def _same_ranker(first: Run, second: Run) -> bool:
    """Whether one model ranked both, perhaps its own captions and another model's; True if a run records no ranker."""
    one, other = _ranker(first), _ranker(second)
    return None in (one, other) or one == other or _ranker_id(first, one) == _ranker_id(second, other)


def _ranker_id(run: Run, ranker: str | None) -> str | None:
    """The first digits of the ranker's id; None if they are unknown."""
    if ranker != OWN_MODEL:
        return (ranker or "").rpartition("#")[2]
    return next((card.id[:DIGITS] for card in run.made_from if card.role == "checkpoint"), None)


def _differences(one: Mapping[str, str], other: Mapping[str, str], other_texts: bool) -> list[str]:
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    lines = [f"{key} {one.get(key, NOT_RECORDED)} and {other.get(key, NOT_RECORDED)}" for key in keys]
    same_count = other_texts and "refs" in one and one["refs"] == other.get("refs")
    return [*lines, *(["refs with different texts"] if same_count and "tok" not in keys else [])]


def _parts(run: Run, name: str, alike: Sequence[str]) -> dict[str, str]:
    """The parts of the signature of the value ``name`` that say how it was evaluated."""
    if name not in run.signatures:
        shared = _shared_parts(run)
        return {key: shared[key] for key in UNSIGNED.get(name, ("tok",)) if key in shared and key not in alike}
    info = info_of(name)
    ignored = (*alike, *OF_DECODING, *OF_IMAGES, *(info.independent_of if info else ()))
    return {key: value for key, value in split_signature(run.signatures[name]).items() if key not in ignored}


def _shared_parts(run: Run) -> dict[str, str]:
    """The parts that signatures share, such as the decoding; each is in some signature."""
    return {key: part for text in run.signatures.values() for key, part in split_signature(text).items()}


def _references(run: Run, ids: Sequence[ImageId]) -> list[list[str]]:
    return [sorted(run.entries[id].get("references", [])) for id in ids]


def _ranker(run: Run) -> str | None:
    """The ranker of a run's captions; None if the run records none."""
    signatures = (split_signature(text) for text in run.signatures.values())
    return next((parts["ranker"] for parts in signatures if "ranker" in parts), None)


def other_ranker(run: Run) -> str:
    """The name of the model that ranked a run's captions, if it did not write them; otherwise empty."""
    ranker = _ranker(run) or OWN_MODEL
    return "" if ranker == OWN_MODEL else ranker.partition("#")[0]


def ranked_alike(first: Run, second: Run) -> bool:
    """Whether the ranks of both runs are in the same pool, and by their own models or by the same one."""
    alike = ["ranker"] if _same_ranker(first, second) else []
    one, other = (_parts(run, RANKS, alike) if RANKS in run.signatures else {} for run in (first, second))
    return not one or not other or not _differences(one, other, other_texts=False)
