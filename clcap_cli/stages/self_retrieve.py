"""self-retrieve: captions and the model that ranks -> the rank of each caption's own image in a pool of images."""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, MinLen

from clcap_cli.artifacts.preconditions import LOG_PROBS_FILE, RETRIEVAL_FILE, InputCheckpoint
from clcap_cli.compute.processes import is_first, write_own_files
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_details, print_info
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.split_names import SPLITS
from clcap_cli.decoding.settings import SingleCaptionSettings
from clcap_cli.errors import InvalidValueError
from clcap_cli.evaluation.early_checks import check_split
from clcap_cli.input_files import InputFile
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.retrieval.pool import DEFAULT_MAX_IMAGES, MIN_IMAGES, Pool, PoolValue
from clcap_cli.stages.options import (
    CaptionsFile,
    FeaturesFile,
    ImageFolders,
    RankerFeaturesFile,
    Seed,
    Split,
    output,
)
from clcap_cli.stages.stage import check_unused, flattened, stage_with

if TYPE_CHECKING:
    from clcap_cli.artifacts.ranking import Ranking
    from clcap_cli.artifacts.results import Measurements
    from clcap_cli.evaluation.pool_images import PoolImages


def _check_captions(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for several captions per image, and for options that exclude or need each other."""
    if given["decoding"].num_captions > 1:
        raise InvalidValueError("num_captions", "self-retrieve ranks one caption of each image")
    if given["predictions"]:
        check_unused(given["decoding"], "--predictions gives the captions, so none are decoded")
    if given["only_common"] and not given["predictions"]:
        raise InvalidValueError("only_common", "it belongs to --predictions, which is not given")
    if given["ranker_features"] and not given["ranker"]:
        raise InvalidValueError("ranker_features", "it belongs to --ranker, which is not given; use --features")
    if given["features"] and given["predictions"] and given["ranker"]:
        raise InvalidValueError("features", "--predictions gives the captions; --ranker-features are those that rank")
    _check_distractors(given)


def _check_distractors(given: Mapping[str, Any]) -> None:
    if given["distractors"] == given["split"]:
        raise InvalidValueError("distractors", f"all images of split '{given['split']}' are ranked already")
    if given["distractors"] and Pool.parse(given["pool"]).is_drawn:
        raise InvalidValueError(
            "pool", "with --distractors, the pool is the whole of both splits; give similar:NUMBER or omit --pool"
        )


@stage_with(_check_captions, is_distributed=True)
def self_retrieve(
    checkpoint: Annotated[
        Path, InputCheckpoint(), Argument("Captioner (*.pt) whose captions are ranked; it ranks unless --ranker does.")
    ],
    split: Split = "test",
    ranker: Annotated[
        Path | None,
        InputCheckpoint(),
        Option("Captioner (*.pt) that ranks the images.", Panel.MODEL, "the captioner itself", placeholder="FILE"),
    ] = None,
    pool: Annotated[
        int | str | None,
        PoolValue(),
        Option(
            "Images that a caption's own image is ranked among: a number of images drawn at random; or similar:NUMBER, "
            "the images most similar to its own by pooled features (similar alone: 100, at most half of the split).",
            default=f"the whole split, at most {DEFAULT_MAX_IMAGES} images",
            placeholder="SIZE",
        ),
    ] = None,
    distractors: Annotated[
        str | None,
        MinLen(1),
        Option(
            "Another split of captions.h5, whose images captions are ranked among too; they have no captions.",
            Panel.DATA,
            "none",
            placeholder="NAME",
            suggestions=SPLITS,
        ),
    ] = None,
    estimate: Annotated[
        int | None,
        Ge(MIN_IMAGES),
        Option(
            "Estimate all values from this number of captions, drawn at random and each ranked in its whole pool.",
            default="every caption is ranked",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        InputFile(),
        Option(
            "Captions to use as queries, one for each image: COCO results or a table.", default="the captioner's own"
        ),
    ] = None,
    only_common: Annotated[
        bool,
        Option(
            "With --predictions, leave out the images without a caption, also from the pool.",
            name="--only-common",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        RETRIEVAL_FILE,
        output("CHECKPOINT.retrieval.json; CAPTIONS.by_RANKER.retrieval.json for captions of another model"),
    ] = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    ranker_features: RankerFeaturesFile = None,
    images: ImageFolders = None,
    full_matrix: Annotated[
        Path | None,
        LOG_PROBS_FILE,
        Option("HDF5 file for the log-probabilities of all captions given all images.", Panel.OUTPUT, "not written"),
    ] = None,
    resume: Annotated[
        bool,
        Option(
            "Continue an interrupted run from its partial files; without any, start from the beginning.",
            Panel.OUTPUT,
            name="--resume",
        ),
    ] = False,
    seed: Seed = 0,
    reading: ReadOptions = ReadOptions(),
    decoding: SingleCaptionSettings = SingleCaptionSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Measure how well captions retrieve their own images.

    For each caption, all images of a pool are ranked by ln p(caption | image) under the captioner or, with --ranker,
    under another one: a captioner tends to rank its own captions well. R@k, the median and the mean rank are printed
    beside their values at chance. Images whose ln p differ by at most 1e-4 are tied; a tie counts as its mean rank.
    Ranks are exact, although most pairs need not be scored fully: the entry "search" of the output file records how
    much was computed. The five best-ranked images of each caption are stored too. For pools of 100,000 images and more,
    --estimate 2000 decodes and ranks only 2,000 of the captions, and prints the 95% intervals of the exact values.

    Example: clcap self-retrieve nt_cl.pt --split test --out nt_cl.retrieval.json

    Example: clcap self-retrieve nt_cl.pt --ranker nt.pt --pool similar:100

    Example: clcap self-retrieve nt_cl.pt --pool 100000 --estimate 2000
    """
    settings = flattened(locals())
    chosen, splits = Pool.parse(pool), [split, *([distractors] if distractors else [])]
    chosen.check(sum(check_split(checkpoint, captions, one) for one in splits), splits)
    from clcap_cli.artifacts.atomic import all_or_nothing, check_free_space, check_writable
    from clcap_cli.artifacts.log_probs import write_log_probs
    from clcap_cli.artifacts.partial_ranks import PartialFiles
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import RETRIEVAL_KIND, write_results
    from clcap_cli.evaluation.pool_images import draw_images
    from clcap_cli.evaluation.ranked_captions import (
        RetrievalPaths,
        open_ranked_captions,
        warn_of_empty_captions,
        warn_of_training_images,
    )
    from clcap_cli.metrics.signature import images_signature
    from clcap_cli.retrieval.kept import KeepsFiles

    origin = Origin("self-retrieve", settings)
    paths = RetrievalPaths(checkpoint, ranker, predictions, captions, features, ranker_features, images)
    opened = open_ranked_captions(paths, reading, compute, origin)
    out = check_writable(out or checkpoint.with_name(f"{opened.ranking.stem}.retrieval.json"), origin.input_paths)
    partial = PartialFiles(out, origin)
    partial.check_resumed(resume)
    full_matrix = full_matrix and check_writable(full_matrix, origin.input_paths, [out])
    drawn = draw_images(opened, chosen, split, distractors, only_common, estimate, seed)
    pairs = len(drawn.own_ids) * len(drawn.ids)
    if full_matrix is not None:
        check_free_space(full_matrix, pairs * 4 / 2**20)
    warn_of_training_images(opened, drawn.ids)
    queries = opened.queries(drawn.own_rows, decoding, seed)
    warn_of_empty_captions(queries, drawn.own_ids)
    similar = chosen.similar_size(len(drawn.ids))
    caption_pool = opened.pool(queries, drawn.rows, similar, drawn.distractors_signature, drawn.sample_of)
    started = time.monotonic()
    write_own_files()
    found = caption_pool.search(KeepsFiles(partial))
    seconds = time.monotonic() - started
    if not is_first():
        return out
    signature = {"split": images_signature(drawn.own_ids, split), "decoding": queries.decoding, "precision": "fp32"}
    results = caption_pool.results(found, drawn.ids, opened.ranking, seed, signature)
    matched_by = {"matched_by": dict(queries.matched_by)} if queries.matched_by else {}
    others = {"distractors": {"split": distractors, "images": drawn.num_distractors}} if distractors else {}
    details = {**results.details, "empty_captions": len(queries.empty), **matched_by, **others}
    results = replace(results, details=details)
    timing = {"seconds": round(seconds, 2), "pairs_per_second": round(pairs / seconds, 1)}
    with all_or_nothing():
        write_results(out, RETRIEVAL_KIND, results, origin, unhashed={"timing": timing})
        if full_matrix is not None:
            scores = caption_pool.score_matrix()
            write_log_probs(full_matrix, drawn.ids, caption_pool.captions, scores.cpu().numpy(), origin)
    partial.remove()
    _announce(opened.ranking, caption_pool.similar, drawn)
    _print_results(results)
    return out


def _announce(ranking: "Ranking", similar: int | None, images: "PoolImages") -> None:
    """Print what ranks what."""
    own = "its own captions" if ranking.own else f"the captions of {ranking.captions.name}"
    print_info(f"{ranking.ranker.name} ranks {own} among {f'{similar} images' if similar else images}")
    if similar:
        print_info(f"each pool of {similar} images has a caption's own image and the most similar of all {images}")
    if images.sample_of:
        print_info(
            f"estimated from {len(images.own_ids):,} of {images.sample_of:,} captions, drawn at random and ranked "
            "exactly; intervals are those of the exact values, of all captions"
        )


def _print_results(results: "Measurements") -> None:
    from clcap_cli.datasets.records import counted
    from clcap_cli.reporting.summary import summary

    intervals = results.details.get("estimate", {}).get("intervals", results.intervals)
    for line in summary(results.metrics, intervals, results.details["chance"]):
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
            f"for {counted(int(tied), 'caption')}, the own image and another have the same ln p; ties count as if "
            "ordered at random"
        )
