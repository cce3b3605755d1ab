"""Scores of predictions by chosen metrics, and the record of them that is stored."""

from collections.abc import Mapping, Sequence

from clcap_cli.artifacts.results import Measurements
from clcap_cli.console import print_warning
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.evaluation.empty_texts import count_empty_captions, empty_text_warnings
from clcap_cli.evaluation.inputs import EvaluationInputs
from clcap_cli.evaluation.segmentation_advice import segmentation_advice
from clcap_cli.metrics.bootstrap import draw_resamples
from clcap_cli.metrics.metric import Metric
from clcap_cli.metrics.predictions import Context
from clcap_cli.metrics.registry import all_metrics, info_of
from clcap_cli.metrics.scoring import Scores, score_captions
from clcap_cli.metrics.signature import images_signature, join_signature, shared_signature, split_signature

TextsOf = Mapping[ImageId, Sequence[str]]
"""Captions or references of each image."""


def first_references(references: TextsOf, predictions: TextsOf, number: int | None) -> dict[ImageId, Sequence[str]]:
    """The references of the predictions' images, the first ``number`` of each; None for all.

    Raises ClcapError where an image has fewer.
    """
    few = [id for id in predictions if number and len(references[id]) < number]
    if few:
        raise ClcapError(
            f"{len(few)} of {len(predictions)} images have fewer than {number} references, which "
            f"--references-per-image asks for: {first_few(few)}"
        )
    return {id: references[id][:number] for id in predictions}


def score_chosen(
    predictions: TextsOf, references: TextsOf, chosen: Sequence[Metric], context: Context, seed: int
) -> Scores:
    """Score predictions by the chosen metrics and by those that are always computed; ``seed`` draws the resamples.

    Raises ClcapError where none of the chosen metrics can be computed.
    """
    metrics = [metric for metric in all_metrics() if metric in chosen or metric.computed == "always"]
    scores = score_captions(predictions, references, draw_resamples(len(predictions), seed), metrics, context)
    if not any(metric.name in scores.by_metric for metric in chosen):
        raise ClcapError("; ".join(dict.fromkeys(scores.not_scored.values())))
    for warning in empty_text_warnings(scores.predictions):
        print_warning(warning)
    if advice := segmentation_advice(scores.predictions):
        print_warning(advice)
    return scores


def signature_of_all(scores: Scores, inputs: EvaluationInputs, split: str) -> str:
    """What the metrics of these predictions have in common; some do not depend on the tokeniser or the references."""
    which = images_signature(scores.predictions.ids, split if inputs.references.splits else "all")
    return shared_signature(scores.predictions, split=which, decoding=inputs.decoding, precision=inputs.precision)


def evaluation_results(scores: Scores, inputs: EvaluationInputs, split: str) -> Measurements:
    """The record of what was scored."""
    shared = signature_of_all(scores, inputs, split)
    counts = {"images": len(scores.predictions.ids), "unique_captions": len(set(scores.predictions.raw_captions))}
    return Measurements(
        metrics={**scores.values, **counts},
        intervals=scores.intervals,
        signatures={name: _complete_signature(name, own, shared) for name, own in scores.signatures.items()},
        images=scores.entries(),
        details={
            "not_scored": scores.not_scored,
            "empty_captions": count_empty_captions(scores.predictions),
            "left_out": _left_out(scores, inputs),
            "matched_by": inputs.matched_by,
        },
    )


def _complete_signature(name: str, own: str, shared: str) -> str:
    """The signature of the value ``name``, without what it does not depend on."""
    info = info_of(name)
    parts = split_signature(f"{own}|{shared}")
    return join_signature({key: part for key, part in parts.items() if info is None or key not in info.independent_of})


def _left_out(scores: Scores, inputs: EvaluationInputs) -> dict[str, int]:
    """The numbers of captions without references, and of images with references but without captions."""
    captions = sum(map(len, inputs.predictions.values())) - len(scores.predictions.raw_captions)
    return {"captions": captions, "images": len(inputs.references.captions) - len(scores.predictions.ids)}
