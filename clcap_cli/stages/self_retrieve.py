"""self-retrieve: a checkpoint and its captions -> the rank of each caption's own image among all images."""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge

from clcap_cli.artifacts.preconditions import HDF5_FILE, JSON_FILE, InputCheckpoint
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_details, print_info, progress_with_label
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.decoding.settings import SingleCaptionSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.early_checks import check_split
from clcap_cli.input_files import InputFile
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, Seed, Split, output
from clcap_cli.stages.stage import check_unused, flattened, stage_with

if TYPE_CHECKING:
    import numpy as np

    from clcap_cli.artifacts.results import Measurements

DEFAULT_MAX_POOL = 5000
"""Default maximum number of images in a pool."""


def _check_captions(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for several captions per image, and for decoding options with --predictions."""
    if given["decoding"].num_captions > 1:
        raise InvalidValueError("num_captions", "self-retrieve ranks one caption of each image")
    if given["predictions"]:
        check_unused(given["decoding"], "--predictions gives the captions, so none are decoded")


@stage_with(_check_captions)
def self_retrieve(
    checkpoint: Annotated[Path, InputCheckpoint(), Argument("Captioner (*.pt) that ranks the images.")],
    split: Split = "test",
    pool: Annotated[
        int | None,
        Ge(2),
        Option(
            "Number of images in the pool, drawn at random.", default=f"the whole split, at most {DEFAULT_MAX_POOL}"
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        InputFile(),
        Option(
            "Captions to use as queries, one for each image: COCO results or a table.", default="the captioner's own"
        ),
    ] = None,
    out: Annotated[Path | None, JSON_FILE, output("CHECKPOINT.retrieval.json")] = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    full_matrix: Annotated[
        Path | None,
        HDF5_FILE,
        Option("HDF5 file for the log-probabilities of all captions given all images.", Panel.OUTPUT, "not written"),
    ] = None,
    seed: Seed = 0,
    reading: ReadOptions = ReadOptions(),
    decoding: SingleCaptionSettings = SingleCaptionSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Measure how well captions retrieve their own images.

    For each caption, all images of a pool are ranked by ln p(caption | image) under the captioner. R@k, the median and
    the mean rank are printed beside their values at chance. Images whose ln p differ by at most 1e-4 are tied; a tie
    counts as its mean rank. Ranks are exact, although most pairs need not be scored fully: the entry "search" of the
    output file records how much was computed.

    Example: clcap self-retrieve nt_cl.pt --split test --out nt_cl.retrieval.json
    """
    settings = flattened(locals())
    _check_pool(pool, check_split(checkpoint, captions, split), split)
    import numpy as np

    from clcap_cli.artifacts.atomic import all_or_nothing, check_writable
    from clcap_cli.artifacts.log_probs import write_log_probs
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import RETRIEVAL_KIND, open_caption_results, write_results
    from clcap_cli.datasets.image_matching import describe_ways
    from clcap_cli.datasets.readers import check_columns_exist
    from clcap_cli.evaluation.caption_pool import CaptionPool, decoded_pool
    from clcap_cli.evaluation.given_captions import captions_of_images, encode_given_captions
    from clcap_cli.evaluation.inputs import decoding_signature
    from clcap_cli.evaluation.model_inputs import open_model
    from clcap_cli.metrics.signature import images_signature
    from clcap_cli.retrieval.search import score_matrix

    origin = Origin("self-retrieve", settings)
    opened = open_model(checkpoint, captions, features, compute, origin)
    given = open_caption_results(predictions, reading) if predictions else None
    if given:
        check_columns_exist(reading, [given.file])
        print_info(given.file.summary())
        origin.add_input("results", given)
    out = check_writable(out or checkpoint.with_name(f"{checkpoint.stem}.retrieval.json"), origin.input_paths)
    full_matrix = full_matrix and check_writable(full_matrix, [*origin.input_paths, out])
    rows = _draw_images(opened.rows_of(split), pool, np.random.default_rng(seed), split)
    ids, feature_source = opened.captions.ids_of(rows), opened.feature_source(rows)
    if given is None:
        caption_pool = decoded_pool(opened.model, feature_source, opened.checkpoint.tokenizer, decoding, seed)
    else:
        texts, ways = captions_of_images(given, opened.captions, ids)
        if others := len(given.captions) - len(ids):
            print_info(f"{others} of {len(given.captions)} captions are of images outside the pool and are not used")
        if ways.keys() != {"id"}:
            print_info(f"matched {describe_ways(ways)}")
        encoded = encode_given_captions(texts, opened.checkpoint.tokenizer, feature_source.device)
        if encoded.note:
            print_info(encoded.note)
        caption_pool = CaptionPool(opened.model, feature_source, texts, encoded.tokens, encoded.lengths)
    started = time.monotonic()
    found = caption_pool.search()
    seconds = time.monotonic() - started
    signature = {
        "split": images_signature(ids, split),
        "decoding": decoding_signature(given) if given else decoding.signature(seed),
        "precision": "fp32",
    }
    results = caption_pool.results(found, ids, seed, signature)
    if given:
        results = replace(results, details={**results.details, "matched_by": dict(ways)})
    timing = {"seconds": round(seconds, 2), "pairs_per_second": round(len(ids) ** 2 / seconds, 1)}
    with all_or_nothing():
        write_results(out, RETRIEVAL_KIND, results, origin, unhashed={"timing": timing})
        if full_matrix is not None:
            show_progress = progress_with_label("every ln p, blocks of images")
            scores = score_matrix(
                opened.model, feature_source, caption_pool.tokens, caption_pool.lengths, show_progress
            )
            write_log_probs(full_matrix, ids, caption_pool.captions, scores.cpu().numpy(), origin)
    _print_results(results)
    return out


def _check_pool(size: int | None, images: int, split: str) -> None:
    if size is not None and size > images:
        raise ClcapError(f"--pool {size} is more than the {images} images of split '{split}'")


def _draw_images(rows: "np.ndarray", size: int | None, rng: "np.random.Generator", split: str) -> "np.ndarray":
    import numpy as np

    _check_pool(size, len(rows), split)
    return np.sort(rng.permutation(rows)[: size or DEFAULT_MAX_POOL])


def _print_results(results: "Measurements") -> None:
    from clcap_cli.reporting.summary import summary

    for line in summary(results.metrics, results.intervals, results.details["chance"]):
        print_info(line)
    search = results.details["search"]
    sharing, pruning, softmax = accumulate(
        (search[name] for name in ("share_after_prefix_tree", "share_after_pruning", "share_of_full_softmax")), mul
    )
    print_details(
        f"{search['pairs']:,} pairs of a caption and an image; share of their tokens: {sharing:.1%} after prefix "
        f"sharing, {pruning:.1%} after pruning, {softmax:.1%} with the full softmax"
    )
    if tied := results.metrics["tied_captions"]:
        print_info(
            f"{tied} captions have the same ln p for their own image and another; ties count as if ordered at random"
        )
