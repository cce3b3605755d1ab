"""An epoch of train-cl with and without the cache of the reference's ln p, alternating; the losses are equal.

Usage: python -m tests.benchmarks.reference_cache CHECKPOINT [--runs 3]
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from clcap_cli.artifacts.cache import LOG_PROBS_KIND, ArrayCache
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.compatibility import captions_for, features_for
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.positives_only import PositivesOnly
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.pair_task import PairTask
from clcap_cli.training.reference import ModelWithFeatures
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task_inputs import TaskInputs
from tests.benchmarks.measure import compare_times

CASES = {
    "contrastive, K = 5, negatives drawn anew": (Contrastive(), {}),
    "contrastive, K = 5, pools of 100": (Contrastive(), {"negative_pool_size": 100}),
    "contrastive, K = 5, fixed negatives": (Contrastive(), {"redraw": False}),
    "positives only": (PositivesOnly(), {}),
}


@dataclass
class Epoch:
    """Forward and backward passes of one epoch, without updates of the models."""

    task: PairTask

    def __call__(self) -> None:
        self.losses = []
        for batch in self.task.batches(1):
            loss, _ = self.task.loss(self.task.load(batch))
            loss.backward()
            self.losses.append(loss.item())


def task_of(path: Path, objective: PairObjective, drawing: dict[str, Any]) -> PairTask:
    checkpoint = open_checkpoint(path)
    captions, device = captions_for(checkpoint, None), torch.device("cpu")
    features = features_for(checkpoint, captions, None)
    target, reference = (ModelWithFeatures(checkpoint.captioner(device), features) for _ in range(2))
    train, val = (CaptionSplit(captions, split, device, features.skipped) for split in ("train", "val"))
    batch = BatchSettings(20, None)
    inputs = TaskInputs(NegativeSampler(train), val, target, 5, batch, seed=0, reference=reference, **drawing)
    return PairTask(objective, inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--runs", type=int, default=3, help="number of timings of each variant, alternating")
    given = parser.parse_args()
    for name, (objective, drawing) in CASES.items():
        plain, kept = (Epoch(task_of(given.checkpoint, objective, drawing)) for _ in range(2))
        with tempfile.TemporaryDirectory() as folder:
            cache = ArrayCache(Path(folder) / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {}))
            kept.task.score_recurring(cache, "fp32")
        own, other, ratio = compare_times(kept, plain, given.runs, "cpu")
        apart = max(abs(one - two) for one, two in zip(kept.losses, plain.losses, strict=True))
        print(f"{name}: {own:.1f} s against {other:.1f} s, {ratio}; losses differ by {apart:.1e} at most", flush=True)


if __name__ == "__main__":
    main()
