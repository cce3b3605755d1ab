"""Which runs were trained from which others, and runs in the order of their training."""

from collections.abc import Sequence

from clcap_cli.artifacts.run_cards import CHECKPOINT, RunCard, target_ids
from clcap_cli.evaluation.runs import Run


def model_id(run: Run) -> str | None:
    """The id of the model that wrote the run's captions; None if it is unknown."""
    recorded = (card.id for card in run.made_from if card.role == CHECKPOINT)
    return next(recorded, run.ranking.captions.id if run.ranking else None)


def parent_of(run: Run, runs: Sequence[Run]) -> Run | None:
    """The run whose model the run's own was trained from; None if it is none of ``runs``.

    The ids that the run records decide; without any, or if no other run has such a model, its name does: nt_cl was
    trained from nt.
    """
    by_id = {model_id(other): other for other in runs if other is not run}
    targets = target_ids(run.made_from)
    recorded = next((by_id[id] for id in targets if id in by_id), None)
    return recorded if recorded or _has_no_target(run.made_from, targets) else _parent_by_name(run, runs)


def in_training_order(runs: Sequence[Run]) -> list[Run]:
    """The runs in their order, but each after the one that it was trained from: shells sort ``*`` in different ways."""
    parents = [parent_of(run, runs) for run in runs]

    def line(position: int) -> list[int]:
        """The positions of a run and those that it was trained from; a cycle in damaged files ends it."""
        found = [position]
        while (parent := parents[found[-1]]) and (above := _position(parent, runs)) not in found:
            found.append(above)
        return found

    lines = [line(position) for position in range(len(runs))]
    places = sorted(range(len(runs)), key=lambda position: (max(lines[position]), len(lines[position])))
    return [runs[position] for position in places]


def _has_no_target(cards: Sequence[RunCard], targets: Sequence[str]) -> bool:
    """Whether the cards record the model's training, without a target."""
    return not targets and any(card.role == CHECKPOINT and card.stage for card in cards)


def _parent_by_name(run: Run, runs: Sequence[Run]) -> Run | None:
    name, folder = run.path.name, run.path.parent
    parents = [
        other
        for other in runs
        if other is not run and other.path.parent == folder and name.startswith(f"{other.path.name}_")
    ]
    return max(parents, key=lambda other: len(other.path.name), default=None)


def _position(run: Run, runs: Sequence[Run]) -> int:
    return next(position for position, other in enumerate(runs) if other is run)
