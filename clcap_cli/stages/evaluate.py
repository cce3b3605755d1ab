"""evaluate: a checkpoint, an ensemble, or captions from anywhere -> metrics with confidence intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge

from clcap_cli.artifacts.preconditions import CAPTIONS, FEATURES, METRICS_FILE, InputPath
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_details, print_info, print_warning
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.split_names import DEFAULT_SPLIT
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.context import ContextFiles, build_context
from clcap_cli.evaluation.early_checks import check_split
from clcap_cli.evaluation.encoder_settings import EncoderSettings
from clcap_cli.evaluation.inputs import inputs_from_models, inputs_from_predictions, inputs_from_results
from clcap_cli.evaluation.metric_options import check_metric_options
from clcap_cli.input_files import InputFile, InputFileOrFolder, InputFolder
from clcap_cli.metrics.bleu_settings import BleuSettings
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.registry import NameIn
from clcap_cli.segmentation.registry import SegmentationName, open_segmenter
from clcap_cli.stages.options import TOKENIZE_NAMES, OneOrMore, ReferenceSplit, Seed, output
from clcap_cli.stages.stage import check_unused, flattened, stage_with

if TYPE_CHECKING:
    from clcap_cli.artifacts.results import Measurements
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.metrics.metric import Metric

FEW_IMAGES = 100
"""Number of images below which CIDEr is hardly comparable with published values."""


def _check_options(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for options that exclude or need each other."""
    files, predictions = given["models_or_results"], given["predictions"]
    if files and predictions:
        raise InvalidValueError("predictions", f"{files[0]} is given too; give one of the two")
    if predictions or (files and files[0].suffix != ".pt"):
        check_unused(given["decoding"], "it applies only to checkpoints; these captions are already decoded")
    if files and len(files) > 1 and (others := [path for path in files if path.suffix != ".pt"]):
        raise InvalidValueError(
            "models_or_results",
            f"several files must be the checkpoints (*.pt) of an ensemble; {others[0]} is not a checkpoint",
        )
    check_metric_options(given)
    if (given["submission"] is None) != (given["test_predictions"] is None):
        raise InvalidValueError("submission", "give --submission and --test-predictions together, or neither")


@stage_with(_check_options)
def evaluate(
    models_or_results: Annotated[
        list[Path] | None,
        OneOrMore(),
        InputPath(),
        Argument("Captions written by clcap (*.json), or a captioner (*.pt); several captioners form an ensemble."),
    ] = None,
    predictions: Annotated[
        Path | None,
        InputFileOrFolder(),
        Option("Captions from another source: a table or COCO results; needs --references.", default="none"),
    ] = None,
    references: Annotated[
        Path | None,
        InputFileOrFolder(),
        Option(
            "References: a table, a COCO captions file, or a captions.h5.",
            default="the captions.h5 recorded in the results or checkpoint",
        ),
    ] = None,
    references_per_image: Annotated[
        int | None,
        Ge(1),
        Option("Number of references to use for each image: 5 for COCO's c5, 40 for its c40.", default="all"),
    ] = None,
    only_common: Annotated[
        bool, Option("Score only the images that have both captions and references.", name="--only-common")
    ] = False,
    metrics: Annotated[
        str | None,
        NameIn("clcap_cli.metrics.registry:METRICS", ","),
        Option(
            "Metrics to compute, separated by commas: BLEU, METEOR, ROUGE_L, CIDEr, SPICE, SPIDEr, SBERT-sim, "
            "CLIPScore, RefCLIPScore, CLIP-retrieval, CHAIR and those of installed packages; metrics of "
            "distinctiveness and style are always computed.",
            Panel.METRICS,
            "BLEU,METEOR,ROUGE_L,CIDEr,SPICE",
            placeholder="NAMES",
        ),
    ] = None,
    tokenize: Annotated[
        str | None,
        SegmentationName(),
        Option(
            f"How to split captions and references into tokens: {TOKENIZE_NAMES}.",
            Panel.METRICS,
            "the PTB tokeniser of COCO's evaluation",
            placeholder="NAME",
        ),
    ] = None,
    cider_df: Annotated[
        Path | None,
        InputFile(),
        Option(
            "File of captions from which CIDEr's document frequencies are computed, in any format that --references "
            "accepts; of a captions.h5, only the training split is used.",
            Panel.METRICS,
            "the references",
        ),
    ] = None,
    spice_models: Annotated[
        Path | None,
        InputFolder(),
        Option("Folder of the models that SPICE needs.", Panel.METRICS, "the folder spice/lib of pycocoevalcap"),
    ] = None,
    objects: Annotated[
        Path | None,
        InputFile(),
        Option(
            "COCO's instance annotations (instances_val2017.json), whose objects count as present for CHAIR, besides "
            "those that the references name.",
            Panel.METRICS,
            "none",
        ),
    ] = None,
    retrieval: Annotated[
        Path | None,
        InputFile(),
        Option(
            "Self-retrieval results of these captions (*.retrieval.json); adds their metrics to the output.",
            Panel.METRICS,
            "none",
        ),
    ] = None,
    submission: Annotated[
        Path | None,
        Option(
            "Folder for the two files of COCO's evaluation server. The scored captions must be those of val2014; "
            "give those of test2014 with --test-predictions.",
            Panel.OUTPUT,
            "not written",
            placeholder="FOLDER",
        ),
    ] = None,
    test_predictions: Annotated[
        Path | None,
        InputFile(),
        Option("COCO results of test2014 for --submission.", Panel.OUTPUT, "none"),
    ] = None,
    split: ReferenceSplit = None,
    out: Annotated[
        Path | None, METRICS_FILE, output("named after the captions or checkpoint, such as nt.metrics.json")
    ] = None,
    captions: Annotated[
        Path | None,
        CAPTIONS,
        Option(
            "captions.h5 that defines the splits.",
            default="the one recorded in the results or checkpoint",
            placeholder="FILE",
        ),
    ] = None,
    features: Annotated[
        Path | None,
        FEATURES,
        Option(
            "features.h5 of the images.", default="the one recorded in the results or checkpoint", placeholder="FILE"
        ),
    ] = None,
    seed: Seed = 0,
    bleu: BleuSettings = BleuSettings(),
    reading: ReadOptions = ReadOptions(),
    encoders: EncoderSettings = EncoderSettings(),
    decoding: DecodingSettings = DecodingSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Score captions against references.

    BLEU, METEOR, ROUGE_L, CIDEr and SPICE equal pycocoevalcap's; CIDEr ranges from 0 to 10, the others from 0 to 1.
    Given a checkpoint, the images of the split are captioned first; given COCO results, the captions are scored against
    the references of the split. A table (.csv, .jsonl, .parquet) has the columns image_id and caption; a caption is a
    string or a list of strings. All scores but CIDErBtw and those of vocabularies have a 95% confidence interval. If
    images have several captions, the score of the best caption and the mean score are reported. If captions.h5 and
    features.h5 are recorded or given, captions are also compared with the training captions and with the references of
    similar images.

    Example: clcap evaluate nt_cl.captions.json --split test --out nt_cl.metrics.json

    Example: clcap evaluate --predictions mine.csv --references references.jsonl --out mine.metrics.json
    """
    settings = flattened(locals()) | {"split": split or DEFAULT_SPLIT}
    encoders.check_folders()
    file_to_score = _file_to_score(models_or_results, predictions)
    if predictions is None and file_to_score.suffix == ".pt":
        check_split(file_to_score, captions, split or DEFAULT_SPLIT)
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS_KIND, write_results
    from clcap_cli.artifacts.run_cards import collect_run_cards
    from clcap_cli.evaluation.not_scored import report_not_scored
    from clcap_cli.evaluation.prediction_warnings import left_out_warnings, prediction_warnings
    from clcap_cli.evaluation.results import evaluation_results, first_references, score_chosen, signature_of_all
    from clcap_cli.metrics.registry import selected_metrics

    chosen = selected_metrics(metrics)
    origin = Origin("evaluate", settings)
    if predictions is not None:
        inputs = inputs_from_predictions(predictions, references, split, reading, origin)
    elif file_to_score.suffix == ".pt":
        from clcap_cli.evaluation.model_inputs import DataPaths, open_models  # captions in a file do not need PyTorch

        data = DataPaths(captions, features, encoders.images)
        opened = open_models(models_or_results or [], data, compute, origin)
        inputs = inputs_from_models(opened, references, split, decoding, seed, reading, origin)
    else:
        inputs = inputs_from_results(file_to_score, references, split, captions, reading, origin)
    matched = inputs.matched(str(file_to_score), only_common)
    references_of = first_references(inputs.references.captions, matched, references_per_image)
    left_out = left_out_warnings(matched, references_of, inputs.references_left)
    for warning in [*prediction_warnings(matched), *left_out]:
        print_warning(warning)
    name = _name(models_or_results or [file_to_score])
    out = check_writable(out or file_to_score.with_name(f"{name}.metrics.json"), origin.input_paths)
    if submission is not None and test_predictions is not None:
        _write_submission(file_to_score, test_predictions, submission)
    segmenter = open_segmenter(tokenize) if tokenize else None
    files = ContextFiles(retrieval, cider_df, captions, features, spice_models, objects)
    context = replace(build_context(matched, inputs, files, encoders, segmenter, compute, origin), bleu=bleu)
    _announce(matched, references_of, chosen, cider_df)
    scores = score_chosen(matched, references_of, chosen, context, seed)
    made_from = {"made_from": [card.model_dump() for card in collect_run_cards(origin)]}
    results = evaluation_results(scores, inputs, split or DEFAULT_SPLIT)
    write_results(out, METRICS_KIND, results, origin, made_from)
    report_not_scored(scores, metrics)
    _print_scores(results, signature_of_all(scores, inputs, split or DEFAULT_SPLIT))
    return out


def _file_to_score(models_or_results: Sequence[Path] | None, predictions: Path | None) -> Path:
    """The file to score, the first of an ensemble; messages and the output are named after it."""
    if predictions is not None:
        return predictions
    if not models_or_results:
        raise InvalidValueError(
            "models_or_results", "missing; give captions (*.json) or a checkpoint (*.pt), or use --predictions"
        )
    return models_or_results[0]


def _announce(
    predictions: "Mapping[ImageId, Sequence[str]]",
    references: "Mapping[ImageId, Sequence[str]]",
    chosen: "Sequence[Metric]",
    cider_df: Path | None,
) -> None:
    from clcap_cli.datasets.records import counted

    if cider_df is None and any(metric.name == "CIDEr" for metric in chosen) and len(predictions) < FEW_IMAGES:
        print_info(
            f"CIDEr counts document frequencies in the references of only {counted(len(predictions), 'image')}, so it "
            "is hardly comparable with published values; --cider-df counts them in other captions"
        )
    num_captions, num_references = (sum(map(len, texts.values())) for texts in (predictions, references))
    print_info(f"scoring {num_captions} captions against {num_references} references")
    if num_captions > len(predictions):
        print_info(
            "several captions per image: each metric is reported for the best caption and as the mean over captions"
        )


def _write_submission(results: Path, test_results: Path, folder: Path) -> None:
    """Write the files for COCO's server, after the checks that the server would make."""
    from clcap_cli.artifacts.results import open_caption_results
    from clcap_cli.artifacts.submission import write_submission

    if results.suffix == ".pt":
        raise ClcapError(f"--submission takes captions, not the checkpoint {results}; clcap caption writes them")
    sets = {"val2014": open_caption_results(results), "test2014": open_caption_results(test_results)}
    for path in write_submission(folder, _name([results]).replace("_", "-"), sets):
        print_info(f"wrote {path}")


def _print_scores(results: "Measurements", signature: str) -> None:
    from clcap_cli.metrics import ptb_tokenizer
    from clcap_cli.metrics.signature import join_signature, split_signature
    from clcap_cli.reporting.summary import summary

    for line in summary(results.metrics, results.intervals):
        print_info(line)
    not_shown = {("tok", ptb_tokenizer.NAME), ("images", str(len(results.images)))}
    parts = {name: part for name, part in split_signature(signature).items() if (name, part) not in not_shown}
    print_info(f"shared signature: {join_signature(parts)}")
    for name, full in results.signatures.items():
        print_details(f"signature of {name}: {full}")


def _name(models_or_results: Sequence[Path]) -> str:
    return "+".join(path.name.removesuffix(path.suffix).removesuffix(".captions") for path in models_or_results)
