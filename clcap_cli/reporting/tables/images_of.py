"""Which images the values of runs are of, in words."""

from collections.abc import Sequence

from clcap_cli.errors import first_few
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.signature import split_signature


def images_of(runs: Sequence[Run]) -> str:
    """ "test split, 400 images", without the split if it is unknown; that they are different images, if they are.

    It also says what ranks are estimated from.
    """
    images = list(dict.fromkeys(frozenset(run.images) for run in runs))
    if len(images) != 1:
        groups = [(ids, first_few([run.name for run in runs if run.images.keys() == ids])) for ids in images]
        sizes = "; ".join(f"{names} ({_counted(len(ids))})" for ids, names in groups)
        return f"rows of different images are not comparable: {sizes}"
    splits = {split for run in runs for split in _splits(run)}
    split = f"{splits.pop()} split, " if len(splits) == 1 else ""
    estimates = {f", ranks estimated from {run.ranked.estimate}" for run in runs if run.ranked and run.ranked.estimate}
    return f"{split}{_counted(len(images.pop()))}{''.join(sorted(estimates))}"


def _counted(count: int) -> str:
    return f"{count:,} image{'s' if count != 1 else ''}"


def _splits(run: Run) -> set[str]:
    """The splits that the run's signatures record, except that of a file with all images in one split."""
    recorded = {split_signature(signature).get("split", "") for signature in run.signatures.values()}
    return {split.partition("#")[0] for split in recorded} - {"", "all"}
