"""The data of the page's script."""

import json
from collections.abc import Container, Mapping, Sequence

from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.comparability import ranked_alike
from clcap_cli.evaluation.runs import ImageResult, Run
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.page.image_metrics import described_metrics, values_by_metric
from clcap_cli.reporting.plot import LineStyle, Plot

MAX_RUNS_PER_IMAGE = 6
"""Largest number of runs whose captions are all shown; with more runs, the page shows two selected ones."""


def image_ids(runs: Sequence[Run]) -> list[ImageId]:
    """The ids of the images of all runs, in the order of the page."""
    return list(dict.fromkeys(id for run in runs for id in run.images))


def page_data(
    runs: Sequence[Run],
    styles: Mapping[str, LineStyle],
    image_sources: ImageSources,
    plots: Sequence[Plot],
    pictured: Container[ImageId] = (),
) -> str:
    """The data of the page's script, as JSON that is safe inside a script element.

    ``images`` has for each image its id, file name, references, and for each run the caption, its rank, the number of
    tied images, CIDEr, and the images that it ranks best with their ln p; unknown values are null. These images are
    given by their position in ``images``, or by their id as text if no run has a caption of them. ``pictured`` has 1 or
    0 for each image, with or without a thumbnail. ``pairs`` tells whether only two runs are shown at a time.
    ``comparable`` tells of each run whether it was ranked like each of the others. The ``metrics`` of a run are lists
    with a value for each image; rank and CIDEr are in ``images``. ``plots`` has the values of the plots.
    """
    ids = image_ids(runs)
    positions = {id: position for position, id in enumerate(ids)}
    images = [
        [
            id,
            image_sources.names.get(id),
            image_sources.references.get(id, []),
            [_result(run.images.get(id), positions) for run in runs],
        ]
        for id in ids
    ]
    values = {run.name: values_by_metric(run, ids) for run in runs}
    run_records = [
        {
            "name": run.name,
            "colour": styles[run.name].colour,
            "pool": run.pool,
            "comparable": [ranked_alike(run, other) for other in runs],
            "metrics": values[run.name],
        }
        for run in runs
    ]
    content = {
        "runs": run_records,
        "images": images,
        "pictured": [int(id in pictured) for id in ids],
        "metrics": described_metrics(values.values()),
        "pairs": len(runs) > MAX_RUNS_PER_IMAGE,
        "plots": [plot.as_json() for plot in plots],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _result(image: ImageResult | None, positions: Mapping[ImageId, int]) -> list[object] | None:
    if image is None:
        return None
    cider = None if image.cider is None else round(image.cider, 3)
    best = [[positions.get(one.image_id, str(one.image_id)), round(one.log_prob, 2)] for one in image.best]
    return [image.caption, image.rank, image.tied, cider, best]
