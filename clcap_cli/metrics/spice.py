"""SPICE (Anderson et al. 2016): agreement of the scene graphs that Stanford CoreNLP parses from texts.

pycocoevalcap contains SPICE's program. Missing are the parser's models and a JavaScript engine, which the program uses
to write its result and which Java no longer includes since version 15.
"""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from clcap_cli.artifacts.atomic import write_text
from clcap_cli.artifacts.temporary_files import temporary_folder
from clcap_cli.errors import MissingFilesError
from clcap_cli.input_files import is_file
from clcap_cli.metrics.java import JavaError, JavaProgram, class_path, pycocoevalcap_folder
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import mean_of

CORENLP = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
MODELS = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"
"""Archive that contains these files."""
OPEN_INTERNALS = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED")
"""Java options that let SPICE's libraries access internals of newer Java versions."""
MEMORY = "-Xmx8G"
SPICE_TIMEOUT = 3600.0
"""Seconds without output: SPICE writes nothing while it parses, which takes 15 minutes or more for 5,000 images."""


def models_folder(given: Path | None) -> Path:
    """The folder of the parser's models: ``given``, or the one inside pycocoevalcap.

    Raises ClcapError that says which files to download if they are missing.
    """
    folder = given or pycocoevalcap_folder("spice") / "lib"
    missing = [name for name in CORENLP if not is_file(folder / name)]
    if missing:
        elsewhere = "" if given else ", or into another folder given with --spice-models"
        raise MissingFilesError(
            f"SPICE needs {' and '.join(missing)}: download {MODELS} and put these files into {folder}{elsewhere}",
            "models not found",
        )
    return folder


def check_spice(folder: Path) -> None:
    """Run SPICE without texts, which takes a second and shows whether it can write a result.

    Raises JavaError.
    """
    _run(folder, [])


def spice_scores(captions: Sequence[str], references: Sequence[Sequence[str]], folder: Path) -> list[float]:
    """(captions,) F scores of tokenised captions, from 0 to 1; 0 if neither the caption nor a reference has a tuple.

    Raises JavaError.
    """
    items = [
        {"image_id": number, "test": text, "refs": list(group)}
        for number, (text, group) in enumerate(zip(captions, references, strict=True))
    ]
    scores = {item["image_id"]: item["scores"]["All"]["f"] for item in _run(folder, items)}
    return [_finite(scores[number]) for number in range(len(items))]


def _finite(score: object) -> float:
    """The score, or 0 where SPICE writes null or text instead of a number."""
    return float(score) if isinstance(score, int | float) and math.isfinite(score) else 0.0


def _run(folder: Path, items: list[dict]) -> list[dict]:
    package = pycocoevalcap_folder("spice")
    jars = [package / "spice-1.0.jar", package / "lib" / "*", folder / "*"]
    with temporary_folder() as work:
        texts, scores = work / "texts.json", work / "scores.json"
        write_text(texts, json.dumps(items))
        arguments = (MEMORY, *OPEN_INTERNALS, "-cp", class_path(jars), "edu.anu.spice.SpiceScorer", str(texts))
        with JavaProgram("SPICE", *arguments, "-out", str(scores), "-silent", timeout=SPICE_TIMEOUT) as program:
            try:
                list(program.read_lines())
            except JavaError as error:
                raise JavaError(_with_advice(str(error), folder)) from error
        return json.loads(scores.read_text(encoding="utf-8"))


def _with_advice(error: str, folder: Path) -> str:
    if "scriptEngine" not in error:
        return error
    return (
        "SPICE needs a JavaScript engine, which Java no longer includes since version 15: "
        f"put Rhino (rhino-1.7.14.jar and rhino-engine-1.7.14.jar) into {folder}"
    )


def _start(context: Context) -> Callable[[Predictions], Columns]:
    folder = models_folder(context.spice_models)
    check_spice(folder)
    return partial(_measure, folder)


def _measure(folder: Path, predictions: Predictions) -> Columns:
    return {"SPICE": spice_scores(predictions.captions, predictions.references_by_caption, folder)}


METRIC = Metric(
    name="SPICE",
    group=REFERENCES,
    values=(MetricInfo("SPICE", "Agreement of objects, attributes and relations; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=lambda predictions: {"SPICE": mean_of(predictions.mean_by_image(predictions.column("SPICE")))},
    start=_start,
    columns=("SPICE",),
    signature=lambda _: {"scale": "0-1", "impl": f"SPICE-1.0 of pycocoevalcap-{version('pycocoevalcap')}"},
    computed="by default",
)
