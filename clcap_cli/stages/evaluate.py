"""evaluate: a checkpoint, an ensemble, or captions from anywhere -> metrics with confidence intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import say
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.context import Given, context_of
from clcap_cli.evaluation.inputs import captioned, predicted, read
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, OneOrMore, Out, Seed, Split
from clcap_cli.stages.stage import check_unused, flattened, stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.metrics.metric import Metric
    from clcap_cli.metrics.scoring import Scores

FEW_IMAGES = 100
"""Number of images below which CIDEr is hardly comparable with published values."""


@stage
def evaluate(
    models_or_results: Annotated[
        list[Path] | None,
        OneOrMore(),
        Argument("A captioner, *.pt, or several of one tokenizer as an ensemble, or COCO results, *.json."),
    ] = None,
    predictions: Annotated[
        Path | None,
        Option("Captions from anywhere: a table or COCO results, any ids, one or several an image."),
    ] = None,
    references: Annotated[
        Path | None,
        Option("References: a table, a COCO captions file, or captions.h5; default: the chain's captions.h5."),
    ] = None,
    references_per_image: Annotated[
        int | None,
        Ge(1),
        Option("Number of references to use of each image, the first ones: 5 for COCO's c5, 40 for its c40."),
    ] = None,
    only_common: Annotated[
        bool, Option("Score the images that have both, whatever else there is.", "--only-common")
    ] = False,
    metrics: Annotated[
        str | None,
        Option("Metrics to compute, separated by commas, such as CIDEr,SPIDEr; default: COCO's, and SPICE."),
    ] = None,
    cider_df: Annotated[
        Path | None,
        Option(
            "Captions to count CIDEr's document frequencies in, any that --references takes (of captions.h5 its "
            "training split); default: the references."
        ),
    ] = None,
    spice_models: Annotated[Path | None, Option("Folder of SPICE's models, if pycocoevalcap has none.")] = None,
    retrieval: Annotated[
        Path | None,
        Option("*.retrieval.json of these captions, to have its metrics here too."),
    ] = None,
    submission: Annotated[
        Path | None,
        Option(
            "Folder for the two files that COCO's server takes; the captions are of val2014, and --test-results "
            "has those of test2014."
        ),
    ] = None,
    test_results: Annotated[Path | None, Option("With --submission: COCO results of test2014.")] = None,
    split: Split = "test",
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    seed: Seed = 0,
    decoding: DecodingSettings = DecodingSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Score captions against references, exactly as pycocoevalcap does, and say how much they differ.

    BLEU, METEOR, ROUGE_L and SPICE go from 0 to 1, CIDEr from 0 to 10. A checkpoint, or several as an ensemble, first
    captions the split; a results file is compared with the split's images. A table (.csv, .jsonl, .parquet) has the
    columns image_id and caption, a text or a list of texts; an image may have any number of references. Every value
    has a 95% confidence interval over images, drawn by --seed. Captions are also compared with the training captions
    of captions.h5 and, by features.h5, with the references of similar images, where the chain or --captions and
    --features have them. Where an image has several captions, each score is that of the best of them and their mean.

    Example: clcap evaluate nt_cl.captions.json --split test --out nt_cl.metrics.json

    Example: clcap evaluate --predictions mine.csv --references people.jsonl --out mine.metrics.json
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS_KIND, write_results
    from clcap_cli.artifacts.run_cards import collect_run_cards
    from clcap_cli.evaluation.model_inputs import open_models
    from clcap_cli.evaluation.results import evaluation_results, first_references, score_chosen, signature_of_all
    from clcap_cli.metrics.registry import selected_metrics

    chosen = selected_metrics(metrics)
    origin = Origin("evaluate", settings)
    subject = _subject(models_or_results, predictions)
    if subject.suffix != ".pt":
        check_unused(decoding, "it is for checkpoints; these captions are written already")
    if predictions is not None:
        inputs = predicted(predictions, references, split, origin)
    elif subject.suffix == ".pt":
        opened = open_models(models_or_results or [], captions, features, compute, origin)
        inputs = captioned(opened, references, split, decoding, seed, origin)
    else:
        inputs = read(subject, references, split, captions, origin)
    scored = inputs.common(str(subject), only_common)
    references_of = first_references(inputs.references, scored, references_per_image)
    name = _name(models_or_results or [subject])
    out = check_writable(out or subject.with_name(f"{name}.metrics.json"), origin.input_paths)
    if submission is not None or test_results is not None:
        _submit(subject, test_results, submission)
    context = context_of(scored, inputs, Given(retrieval, cider_df, captions, features, spice_models), origin)
    _announce(scored, references_of, chosen, cider_df)
    scores = score_chosen(scored, references_of, chosen, context, seed)
    made_from = {"made_from": [card.model_dump() for card in collect_run_cards(origin)]}
    write_results(out, METRICS_KIND, evaluation_results(scores, inputs, split), origin, made_from)
    _print_scores(scores, chosen, signature_of_all(scores, inputs, split))
    return out


def _subject(models_or_results: Sequence[Path] | None, predictions: Path | None) -> Path:
    """The file that is scored, of several checkpoints the first; messages and the output are named after it."""
    if (predictions is None) == (not models_or_results):
        raise InvalidValueError(
            "models_or_results",
            "give either a checkpoint or COCO results, or captions from anywhere with --predictions",
        )
    if predictions is not None:
        return predictions
    assert models_or_results is not None
    others = [path for path in models_or_results if path.suffix != ".pt"]
    if others and len(models_or_results) > 1:
        raise ClcapError(
            f"several checkpoints, *.pt, are scored as an ensemble, but {others[0]} is none; give one file"
        )
    return models_or_results[0]


def _announce(
    scored: "Mapping[ImageId, Sequence[str]]",
    references: "Mapping[ImageId, Sequence[str]]",
    chosen: "Sequence[Metric]",
    cider_df: Path | None,
) -> None:
    if cider_df is None and any(metric.name == "CIDEr" for metric in chosen) and len(scored) < FEW_IMAGES:
        say(f"CIDEr's document frequencies come from these {len(scored)} images only; --cider-df takes more captions")
    captions, others = (sum(map(len, texts.values())) for texts in (scored, references))
    say(f"scoring {captions} captions against {others} references")
    if captions > len(scored):
        say(f"these are of {len(scored)} images: each score is that of an image's best caption, and the mean of them")


def _submit(results: Path, test_results: Path | None, folder: Path | None) -> None:
    """Write the files for COCO's server, after the checks that the server would make."""
    from clcap_cli.artifacts.results import open_caption_results
    from clcap_cli.artifacts.submission import write_submission

    if folder is None:
        raise ClcapError("--test-results are for a submission; give its folder with --submission")
    if test_results is None:
        raise ClcapError("--submission writes captions of val2014 and of test2014; give the latter with --test-results")
    if results.suffix != ".json":
        raise ClcapError(f"--submission takes COCO results, *.json, not {results}; clcap caption writes them")
    sets = {"val2014": open_caption_results(results), "test2014": open_caption_results(test_results)}
    for path in write_submission(folder, _name([results]).replace("_", "-"), sets):
        say(f"wrote {path}")


def _print_scores(scores: "Scores", chosen: "Sequence[Metric]", shared_signature: str) -> None:
    for name, why in scores.not_scored.items():
        say(f"{name} is not scored: {why}")
    values = {name: value for metric in chosen for name, value in scores.by_metric.get(metric.name, {}).items()}
    width = max(7, *map(len, values))
    for name, value in values.items():
        bounds = scores.intervals.get(name)
        interval = f"  95% [{bounds[0]:.4f}, {bounds[1]:.4f}]" if bounds else ""
        say(f"{name:<{width}} {value:.4f}{interval}  {scores.signatures.get(name, '')}".rstrip())
    say(f"{'':<{width}} {shared_signature}")


def _name(models_or_results: Sequence[Path]) -> str:
    return "+".join(path.name.removesuffix(path.suffix).removesuffix(".captions") for path in models_or_results)
