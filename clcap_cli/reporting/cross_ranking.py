"""Cross-ranking: self-retrieval of several models' captions (rows), ranked by several models (columns)."""

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from clcap_cli.artifacts.ranking import DIGITS, Party, Ranking
from clcap_cli.artifacts.results import METRICS_KIND, Results
from clcap_cli.evaluation.human_captions import human_captions_id
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import NEITHER, MetricInfo
from clcap_cli.metrics.signature import split_signature
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.tables.table import Cell, Table, build_table, human_label, human_last

Key = TypeVar("Key", bound=Hashable)
METRICS = ("R@1", "R@5", "mean_rank")
OWN = "own"
EXPLANATION = (
    "A model tends to rank its own captions better than others do (marked own). Captions of different models are best "
    "compared within a column, under a ranker that wrote none of them."
)


@dataclass(frozen=True)
class _Cell:
    """The captions of one row, ranked by the model of one column."""

    ranking: Ranking
    results: Results
    decoding: str

    @property
    def row(self) -> tuple[str, str]:
        return self.ranking.captions.id, self.decoding

    @property
    def column(self) -> str:
        return self.ranking.ranker.id


def cross_ranking_tables(runs: Sequence[Run]) -> list[Table]:
    """For each pool in which a model ranks the captions of another, a table of each metric.

    Captions and models that are part of no such ranking are left out.
    """
    pools: dict[tuple[str, str], list[_Cell]] = {}
    for source in (source for run in runs for source in run.sources):
        if source.ranking is not None:
            parts = split_signature(source.signatures.get("R@1", ""))
            pool = parts.get("pool", str(len(source.images))), parts.get("split", "")
            pools.setdefault(pool, []).append(_Cell(source.ranking, source, parts.get("decoding", "")))
    human = {id for run in runs for source in run.sources if (id := human_captions_id(source))}
    return [
        _table(metric, _note(pool, split, pools), cells, human)
        for (pool, split), found in pools.items()
        if (cells := _crossed(found))
        for metric in metric_infos(name for name in METRICS if any(name in one.results.metrics for one in cells))
    ]


def without_cross_rankings(runs: Sequence[Run]) -> list[Run]:
    """The runs except rankings by another model of captions that another of the runs has.

    Other rankings by another model are named after it, such as "human ranked by aa" for human.by_aa.
    """
    names = {run.name for run in runs}
    return [
        _named_by_ranker(run)
        for run in runs
        if not _is_cross_ranking(run) or _run_of_captions(run) not in names - {run.name}
    ]


def _named_by_ranker(run: Run) -> Run:
    if not _is_cross_ranking(run) or run.ranking is None or run.path.name != run.ranking.stem:
        return run
    return replace(run, name=f"{_run_of_captions(run)} ranked by {run.ranking.ranker.name}")


def _is_cross_ranking(run: Run) -> bool:
    has_metrics = any(source.provenance.format == METRICS_KIND for source in run.sources)
    return run.ranking is not None and not run.ranking.own and not has_metrics


def _run_of_captions(run: Run) -> str:
    """The name of the run in the same folder whose captions are ranked."""
    folder, slash, name = run.name.rpartition("/")
    return f"{folder}{slash}{run.ranking.captions.name if run.ranking else name}"


def _crossed(cells: Sequence[_Cell]) -> list[_Cell]:
    """The cells of all models and captions that occur in a ranking by another model."""
    crossed = [cell.ranking for cell in cells if not cell.ranking.own]
    involved = {party.id for ranking in crossed for party in (ranking.captions, ranking.ranker)}
    return [cell for cell in cells if {cell.ranking.captions.id, cell.ranking.ranker.id} <= involved]


def _table(metric: MetricInfo, note: str, cells: Sequence[_Cell], human: Container[str]) -> Table:
    rows = dict.fromkeys(cell.row for cell in cells)
    labels = _labels({cell.row: (cell.ranking.captions, cell.decoding) for cell in cells})
    rankers = {cell.column: cell.ranking.ranker for cell in cells}
    first_rows = [id for id, _ in rows]  # a model's column stands where its row does
    columns = sorted(rankers, key=lambda id: first_rows.index(id) if id in first_rows else len(first_rows))
    names = _labels({id: (rankers[id], "") for id in columns})
    found = {(cell.row, cell.column): cell for cell in reversed(cells)}
    table = build_table(
        f"{metric.label} of captions, by ranker",
        "captions of",
        [labels[row] for row in rows],
        {
            MetricInfo(f"by {names[id]}", f"{metric.label} under {names[id]}. {metric.meaning}", NEITHER): [
                _cell(metric, found.get((row, id))) for row in rows
            ]
            for id in columns
        },
    )
    table = replace(table, metric=metric, note=note)
    return human_last(table, {labels[row]: human_label(labels[row]) for row in rows if row[0] in human})


def _note(pool: str, split: str, pools: Iterable[tuple[str, str]]) -> str:
    """The images of a pool, such as "test split, 200 images"; with the split's digest if others are called alike."""
    name = split.partition("#")[0]
    same = [other for size, other in pools if size == pool and other.partition("#")[0] == name]
    shown = name if len(same) == 1 else split
    images = f"{pool} images" if pool.isdigit() else pool
    return f"{shown} split, {images}" if split else images


def _labels(parties: Mapping[Key, tuple[Party, str]]) -> dict[Key, str]:
    """A different label for each of the parties: its name, with its id or decoding where names are the same."""
    labels = {}
    for key, (party, decoding) in parties.items():
        same = [other for other in parties.values() if other[0].name == party.name]
        ids = {other.id for other, _ in same}
        more = [f"#{party.id[:DIGITS]}"] if len(ids) > 1 else []
        more += [f" ({decoding})"] if len(same) > len(ids) else []
        labels[key] = party.name + "".join(more)
    return labels


def _cell(metric: MetricInfo, cell: _Cell | None) -> Cell:
    if cell is None or metric.name not in cell.results.metrics:
        return Cell(None, "", "", False)
    value, ends = cell.results.metrics[metric.name], cell.results.intervals.get(metric.name)
    interval = f"[{', '.join(map(metric.formatted, ends))}]" if ends else ""
    spread = f"{interval} {OWN if cell.ranking.own else ''}".strip()
    return Cell(value, metric.formatted(value), spread, False)
