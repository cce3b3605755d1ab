"""SPICE (Anderson et al. 2016): agreement of the scene graphs that Stanford CoreNLP parses from texts.

pycocoevalcap brings SPICE's program, but neither the models of the parser nor the JavaScript that the program uses to
write its result and that Java lost with version 15.
"""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from clcap_cli.artifacts.atomic import temporary_folder, write_text
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file
from clcap_cli.metrics.java import JavaError, JavaProgram, class_path, package_folder
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.statistic import mean_of

CORENLP = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
MODERN_JAVA = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED")
"""What its libraries reach into."""
MEMORY = "-Xmx8G"
PATIENCE = 3600.0
"""Seconds: it parses all texts without a word, 5,000 images in a quarter of an hour or more."""


def models_folder(given: Path | None) -> Path:
    """``given``, or the place where pycocoevalcap keeps the models, if they are there.

    Raises ClcapError that says what to fetch and where to put it.
    """
    folder = given or package_folder("spice") / "lib"
    missing = [name for name in CORENLP if not is_file(folder / name)]
    if missing:
        raise ClcapError(
            f"SPICE needs {' and '.join(missing)}: fetch stanford-corenlp-full-2015-12-09.zip from Stanford NLP, put "
            f"these files of it into {folder}" + ("" if given else " or any folder, and give that with --spice-models")
        )
    return folder


def check_spice(folder: Path) -> None:
    """Start SPICE on nothing, which takes a second and shows whether it could write a result.

    Raises JavaError.
    """
    _run(folder, [])


def spice_of(captions: Sequence[str], references: Sequence[Sequence[str]], folder: Path) -> list[float]:
    """The F score of each tokenised caption, from 0 to 1; 0 where neither side has anything to compare.

    Raises JavaError.
    """
    items = [
        {"image_id": at, "test": text, "refs": list(group)}
        for at, (text, group) in enumerate(zip(captions, references, strict=True))
    ]
    scores = {item["image_id"]: item["scores"]["All"]["f"] for item in _run(folder, items)}
    return [_number(scores[at]) for at in range(len(items))]


def _number(score: object) -> float:
    """SPICE writes null, or text, for what is not a number."""
    return float(score) if isinstance(score, int | float) and math.isfinite(score) else 0.0


def _run(folder: Path, items: list[dict]) -> list[dict]:
    package = package_folder("spice")
    jars = [package / "spice-1.0.jar", package / "lib" / "*", folder / "*"]
    with temporary_folder() as work:
        given, found = work / "texts.json", work / "scores.json"
        write_text(given, json.dumps(items))
        words = (MEMORY, *MODERN_JAVA, "-cp", class_path(jars), "edu.anu.spice.SpiceScorer", str(given))
        with JavaProgram("SPICE", *words, "-out", str(found), "-silent", silence=PATIENCE) as program:
            try:
                list(program.answers())
            except JavaError as error:
                raise JavaError(_explained(str(error), folder)) from error
        return json.loads(found.read_text(encoding="utf-8"))


def _explained(error: str, folder: Path) -> str:
    if "scriptEngine" not in error:
        return error
    return (
        "SPICE writes its result by JavaScript, which Java lost with version 15: "
        f"put Rhino (rhino-1.7.14.jar and rhino-engine-1.7.14.jar) into {folder}"
    )


def _start(context: Context) -> Callable[[Predictions], Columns]:
    folder = models_folder(context.spice_models)
    check_spice(folder)
    return partial(_measure, folder)


def _measure(folder: Path, predictions: Predictions) -> Columns:
    return {"SPICE": spice_of(predictions.captions, predictions.own_references, folder)}


METRIC = Metric(
    name="SPICE",
    group=REFERENCES,
    values=(MetricInfo("SPICE", "Agreement in objects, attributes and relations; 0 to 1.", HIGHER),),
    statistics=lambda predictions: {"SPICE": mean_of(predictions.mean(predictions.column("SPICE")))},
    start=_start,
    columns=("SPICE",),
    signature=lambda _: {"scale": "0-1", "impl": f"SPICE-1.0 of pycocoevalcap-{version('pycocoevalcap')}"},
    computed="by default",
)
