"""Self-retrieval of captions of a trained model of standard size: clcap's search against dense scoring.

Dense scoring is batched ``sequence_log_prob`` of every caption under every image; it is timed on some of the images and
taken times the rest. For up to 1,000 images all ranks are checked against the table of every ln p, and that against
dense scoring.
"""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.evaluation.caption_pool import NUM_BEST
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.ranks import TOLERANCE, Ranks, rank, retrieval_metrics
from clcap_cli.retrieval.search import find_ranks, score_matrix
from tests.benchmarks.measure import argument_parser, seconds
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import STEPS, TRAINED, trained_model

SIZES, CHECKED = [500, 1000, 2000, 5000], 1000
DENSE_IMAGES = 10
ROUNDING = 2e-5
"""Largest difference between two computations of the same ln p."""


@torch.inference_mode()
def dense(model: Captioner, world: World, captions: Tensor, lengths: Tensor, images: int) -> Tensor:
    """ln p of every caption for the first ``images`` images, one image at a time, (C, images)."""
    encoded = model.encode(world.read(np.arange(images)))
    columns = [
        model.sequence_log_prob(encoded, captions, lengths, torch.full_like(lengths, image)) for image in range(images)
    ]
    return torch.stack(columns, dim=1)


def within_rounding(ranks: Ranks, table: Tensor) -> bool:
    """Whether all ranks agree with ``table``, except for images that rounding moves into or out of a tie."""
    above = (table - table.diagonal().unsqueeze(1)).cpu()
    for border, count in ((TOLERANCE, ranks.better), (-TOLERANCE, ranks.better + ranks.tied)):
        least, most = ((above > border + shift).sum(1) for shift in (ROUNDING, -ROUNDING))
        if not ((least <= count) & (count <= most)).all():
            return False
    return True


class Study:
    """One self-retrieval: decodes captions, then ranks images for them; checks the ranks of a small one."""

    def __init__(self, what: str, model: Captioner, count: int, device: str):
        self.model, self.device, self.world = model, device, World(count, 2, device)
        decoded = decode([model], [self.world], DecodingSettings(beam=3), never_generated=(1,))
        self.captions, self.lengths = decoded.captions, decoded.lengths
        outcome = []
        self.seconds = seconds(
            lambda: outcome.append(find_ranks(model, self.world, self.captions, self.lengths)), device
        )
        self.ranks, work = outcome[0].ranks, outcome[0].work
        words = int((self.lengths + 1).sum()) * count
        recall = retrieval_metrics(self.ranks, count)["R@1"]
        print(
            f"{what}, N = {count}: {self.seconds:.1f} s; {len(self.captions.unique(dim=0))} different captions, "
            f"R@1 {recall:.3f}; words predicted: {work.distinct / words:.1%} x {work.expanded / work.distinct:.1%}, "
            f"{work.full_softmax / work.expanded:.1%} of these whole",
            flush=True,
        )
        if count <= CHECKED:
            self.compare()

    def compare(self) -> None:
        """Compare with dense scoring and with the search for the best images too, and check the ranks."""
        few: list[Tensor] = []
        sample = (self.model, self.world, self.captions, self.lengths, DENSE_IMAGES)
        slow = seconds(lambda: few.append(dense(*sample)), self.device) * len(self.world) / DENSE_IMAGES
        table = score_matrix(self.model, self.world, self.captions, self.lengths)
        assert torch.allclose(few[0], table[:, :DENSE_IMAGES], atol=1e-4)
        assert within_rounding(self.ranks, table)
        expected = rank(table, torch.arange(len(table), device=table.device))
        with_best = seconds(
            lambda: find_ranks(self.model, self.world, self.captions, self.lengths, num_best=NUM_BEST), self.device
        )
        equal = int(((self.ranks.better == expected.better) & (self.ranks.tied == expected.tied)).sum())
        print(
            f"  dense scoring {slow:.0f} s: {slow / self.seconds:.0f} x; {equal} of {len(table)} ranks equal, "
            f"the others within rounding; with the {NUM_BEST} best images {with_best / self.seconds:.2f} x the time",
            flush=True,
        )


def main() -> None:
    parser = argument_parser(__doc__ or "", runs=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images and captions")
    parser.add_argument("--objectives", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--trained", type=Path, default=TRAINED, help="folder for the trained models")
    given = parser.parse_args()
    for name, objective in product(given.models, given.objectives):
        model = trained_model(name, objective, given.trained, given.device)
        studies = [Study(f"{name} after {objective}", model, size, given.device) for size in given.sizes]
        for one, two in pairwise(studies):
            growth = np.log(two.seconds / one.seconds) / np.log(len(two.world) / len(one.world))
            print(f"  growth from N = {len(one.world)} to {len(two.world)}: N^{growth:.2f}", flush=True)


if __name__ == "__main__":
    main()
