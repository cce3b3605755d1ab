"""Beam search with beam 3: clcap's batched search against a plain one of one image at a time, with a trained model."""

from pathlib import Path

import numpy as np

from clcap_cli.models.captioner import Captioner
from tests.benchmarks import naive_baseline
from tests.benchmarks.clcap_sides import BEAM, clcap_beam_search, clcap_captions
from tests.benchmarks.measure import Side, argument_parser, compared, timed
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import TRAINED, trained_model
from tests.benchmarks.worker import Worker, clcap_workers, run_in_turn

CHECKED = 50


def plain_beam_search(name: str, images: int, trained: str, device: str) -> Side:
    """The plain search, for a process of its own."""
    model = trained_model(name, "mle", Path(trained), device)
    features = World(images, 2, device).read(np.arange(images))
    return timed(lambda: naive_baseline.beam_search(model, features, BEAM), device)


def equal_captions(model: Captioner, images: World) -> int:
    """Number of images for which both searches find the same caption."""
    features = images.read(np.arange(len(images)))
    pairs = zip(clcap_captions(model, images)(), naive_baseline.beam_search(model, features, BEAM), strict=True)
    return sum(one == two for one, two in pairs)


def main() -> None:
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--images", type=int, nargs="+", default=[50, 500], help="numbers of images")
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="checkouts of earlier commits")
    parser.add_argument("--trained", type=Path, default=TRAINED, help="folder for the trained models")
    given = parser.parse_args()
    for name in given.models:
        model = trained_model(name, "mle", given.trained, given.device)
        equal = equal_captions(model, World(CHECKED, 2, given.device))
        print(f"{name}: {equal} of {CHECKED} captions are equal", flush=True)
        for images in given.images:
            arguments = name, images, str(given.trained), given.device
            workers = clcap_workers(clcap_beam_search, *arguments, before=given.before)
            workers["as plain PyTorch"] = Worker(plain_beam_search, *arguments)
            times = run_in_turn(workers, given.runs)
            print(f"{name}, {images} images: {compared(times)}", flush=True)


if __name__ == "__main__":
    main()
