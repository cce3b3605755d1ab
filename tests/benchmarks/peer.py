"""clcap against ImageCaptioning.pytorch, the peer: https://github.com/ruotianluo/ImageCaptioning.pytorch.

The peer's ShowTellModel and AdaAttModel have the weights of clcap's models, the same features and captions of COCO's
photos, and the peer's Adam. The peer has no contrastive learning: its log-probabilities of all pairs, under a trained
and a frozen model, go into clcap's loss, with all captions in one batch or a batch for each set of captions. The peer's
beam search and tables of ln p are measured with the fastest of several batch sizes.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tests.benchmarks.batches import IMAGES, Batch, load_batches, real_batches, save_batches
from tests.benchmarks.clcap_sides import BEAM, SCORED, clcap_beam_search, clcap_captions, clcap_step, clcap_table
from tests.benchmarks.measure import Side, argument_parser, compared
from tests.benchmarks.peer_models import CLASSES, load_peer, peer_log_probs
from tests.benchmarks.peer_sides import peer_beam, peer_captions, peer_scores, peer_step, peer_step_by_sets
from tests.benchmarks.real_captions import RealCaptions
from tests.benchmarks.steps import clcap_log_probs
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import TRAINED, trained_model
from tests.benchmarks.worker import Worker, clcap_workers, run_in_turn

PEER = "as the peer"
EQUAL = 1e-5
"""Largest difference of ln p, relative to the largest value."""
CHECKED_IMAGES, K = 50, 5
TASKS: dict[str, tuple[Callable[..., Side], dict[str, Callable[..., Side]]]] = {
    "mle": (clcap_step, {PEER: peer_step}),
    "cl": (clcap_step, {PEER: peer_step, f"{PEER}, set by set": peer_step_by_sets}),
    "beam": (clcap_beam_search, {PEER: peer_beam}),
    "table": (clcap_table, {PEER: peer_scores}),
}
"""clcap's side and the other sides of each kind of work."""
Row = tuple[str, tuple[str | int, ...]]
"""What is measured, and the arguments of the sides between model and device."""


def check(name: str, batch: Batch, given: argparse.Namespace) -> None:
    """Print the largest difference of ln p between clcap and the peer, and the number of equal captions."""
    model, images = trained_model(name, "mle", given.trained, given.device), World(CHECKED_IMAGES, 2, given.device)
    peer = load_peer(given.checkout, name, model).eval()
    batch = replace(batch, features=images.read(images.blocks(len(batch.features))[0]))
    with torch.inference_mode():
        one, two = clcap_log_probs(model, batch), peer_log_probs(peer, batch)
    difference = float((one - two).abs().max() / two.abs().max())
    assert difference < EQUAL, difference
    pairs = zip(clcap_captions(model, images)(), peer_captions(peer, images, CHECKED_IMAGES)(), strict=True)
    equal = sum(one == two for one, two in pairs)
    print(f"{name}: ln p differs by {difference:.0e} of the largest; {equal} of {CHECKED_IMAGES} captions are equal")


def measure(name: str, what: str, task: str, data: tuple[str | int, ...], given: argparse.Namespace) -> None:
    """Print how many times as fast clcap is."""
    clcap, others = TASKS[task]
    arguments = name, *data, given.device
    workers = clcap_workers(clcap, *arguments, before=given.before)
    workers |= {side: Worker(make, str(given.checkout), *arguments) for side, make in others.items()}
    times = run_in_turn(workers, given.runs)
    peer = statistics.median(times[PEER])
    print(f"{name}, {what}: {compared(times)}; peer {peer:.3f} s", flush=True)


def rows(paths: Mapping[int, Path], given: argparse.Namespace) -> dict[str, list[Row]]:
    """The rows of each task; ``paths`` are the files of batches by K."""
    mle, cl = str(paths[0]), str(paths[K])
    return {
        "mle": [("MLE step", (mle,))],
        "cl": [(f"CL step, K = {K}", (cl,))],
        "beam": [(f"beam {BEAM}, {count} images", (count, str(given.trained))) for count in given.images],
        "table": [(f"{SCORED} captions × {SCORED} images", (cl,))],
    }


def parse_arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--checkout", type=Path, required=True, help="checkout of the peer")
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="checkouts of earlier commits of clcap")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--images", type=int, nargs="+", default=[50, 500], help="numbers of images of beam search")
    parser.add_argument("--trained", type=Path, default=TRAINED, help="folder for the trained models")
    parser.set_defaults(models=list(CLASSES))
    return parser.parse_args()


def main() -> None:
    given, captions = parse_arguments(), RealCaptions.of_coco()
    with tempfile.TemporaryDirectory() as folder:
        paths = {k: Path(folder, f"{k}.pt") for k in (0, K)}
        for k, path in paths.items():
            save_batches(real_batches(captions, k, IMAGES, given.device), path)
        for name in given.models:
            check(name, load_batches(paths[K], given.device)[0], given)
            for task in given.tasks:
                for what, data in rows(paths, given)[task]:
                    measure(name, what, task, data, given)


if __name__ == "__main__":
    main()
