"""``score``: metrics of captions against references, both given as texts."""

from collections.abc import Iterable
from os import PathLike

from clcap_cli.api.arguments import checked_as
from clcap_cli.api.results import Score
from clcap_cli.api.texts import TextsOfImages, texts_of_images
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.digests import digest_of_json
from clcap_cli.evaluation.encoder_settings import EncoderSettings
from clcap_cli.evaluation.encoders import build_encoders
from clcap_cli.evaluation.inputs import EvaluationInputs
from clcap_cli.evaluation.references import References
from clcap_cli.evaluation.results import evaluation_results, first_references, score_chosen
from clcap_cli.metrics.bleu_settings import BleuSettings, Smoothing
from clcap_cli.metrics.predictions import Context
from clcap_cli.metrics.registry import selected_metrics
from clcap_cli.metrics.scoring import tokenise_groups
from clcap_cli.segmentation.registry import open_segmenter
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.stages.evaluate import evaluate


def score(
    candidates: TextsOfImages,
    references: TextsOfImages,
    *,
    metrics: str | Iterable[str] | None = None,
    references_per_image: int | None = None,
    only_common: bool = False,
    tokenize: str | None = None,
    cider_df: TextsOfImages | None = None,
    bleu_order: int = 4,
    bleu_smoothing: Smoothing = "coco",
    spice_models: str | PathLike[str] | None = None,
    sentence_encoder: str | PathLike[str] | None = None,
    clip: str | PathLike[str] | None = None,
    images: str | PathLike[str] | Iterable[str | PathLike[str]] | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Score:
    """Score captions against references, as ``clcap evaluate`` does.

    Args:
        candidates: Captions to score, one or more per image: a list in image order, or a dict by image id or file
            name.
        references: References, one or more per image, in the same form.
        metrics: Names of the metrics to compute, case-insensitive. Default: BLEU, METEOR, ROUGE_L, CIDEr and SPICE.
        references_per_image: Number of references to use per image; the first ones are used. Default: all.
        only_common: Score only images with both captions and references.
        tokenize: How to split texts into tokens: words, characters, whitespace, jieba, mecab, thai, or the path of a
            tokenizer.json. Default: the PTB tokeniser of COCO's evaluation.
        cider_df: Captions in which CIDEr's document frequencies are counted, in the same form. Default: the references.
        bleu_order: Maximum length N of BLEU's n-grams, in words; BLEU-1 to BLEU-N are computed.
        bleu_smoothing: Smoothing of BLEU's precisions: "coco", or "none", "floor", "add-k" or "exp" of sacreBLEU.
        spice_models: Folder with SPICE's files. Default: pycocoevalcap's folder.
        sentence_encoder: Folder of the encoder of SBERT-sim. Default: all-MiniLM-L6-v2, which clcap[hf] installs.
        clip: Folder of the CLIP model of CLIPScore, RefCLIPScore and CLIP-retrieval.
        images: Folder of the images, or several; their file names are the image ids.
        device: Device of the encoders: cpu, cuda, cuda:N, mps or auto.
        seed: Seed of the resamples for the confidence intervals.

    Returns:
        Metrics with intervals and signatures over all images, and values for each image.

    Raises:
        ClcapError: Images lack captions or references, or none of the metrics can be computed.
        InvalidValueError: A metric is unknown or a value is out of range.
        TypeError: A caption or reference is not a string.
    """
    named = metrics if isinstance(metrics, str | None) else ",".join(metrics)
    given = checked_as(
        evaluate,
        metrics=named,
        references_per_image=references_per_image,
        only_common=only_common,
        tokenize=tokenize,
        bleu_order=bleu_order,
        bleu_smoothing=bleu_smoothing,
        spice_models=spice_models,
        sentence_encoder=sentence_encoder,
        clip=clip,
        images=[images] if isinstance(images, str | PathLike) else images and list(images),
        device=device,
        seed=seed,
    )
    settings = EncoderSettings(given["sentence_encoder"], given["clip"], given["images"])
    settings.check_metrics(given["metrics"])
    chosen = selected_metrics(given["metrics"])
    predicted, expected = texts_of_images(candidates, "candidates"), texts_of_images(references, "references")
    inputs = EvaluationInputs(predicted, {}, References(expected, dict.fromkeys(expected)), allow_missing=False)
    scored = inputs.matched("candidates", given["only_common"])
    compared = first_references(expected, scored, given["references_per_image"])
    segmenter = open_segmenter(given["tokenize"]) if given["tokenize"] else None
    encoder, clip_encoder = build_encoders(settings, ComputeSettings(given["device"]), inputs, None)
    df_name, df_captions = _document_frequencies(cider_df, segmenter) if cider_df is not None else (None, None)
    context = Context(
        df_name,
        df_captions,
        segmenter=segmenter,
        bleu=BleuSettings(given["bleu_order"], given["bleu_smoothing"]),
        spice_models=given["spice_models"],
        sentence_encoder=encoder,
        clip=clip_encoder,
    )
    scores = score_chosen(scored, compared, chosen, context, given["seed"])
    measured = evaluation_results(scores, inputs, "all")
    return Score(measured.metrics, measured.intervals, measured.signatures, measured.images, **measured.details)


def _document_frequencies(captions: TextsOfImages, segmenter: Segmenter | None) -> tuple[str, list[list[str]]]:
    """Name (in signatures) and tokenised captions, by image, in which CIDEr's document frequencies are counted."""
    groups = list(texts_of_images(captions, "cider_df").values())
    name = f"given#{digest_of_json(groups)[:8]} ({len(groups)} images)"
    return name, tokenise_groups(groups, segmenter)
