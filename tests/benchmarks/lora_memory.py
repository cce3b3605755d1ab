"""Memory and time of a contrastive step of a captioner of the size of BLIP-base, with random weights and features.

    python -m tests.benchmarks.lora_memory [--images 4] [--runs 3]

Each row is a process of its own. "parameters" are those of target and reference, each counted once; "peak" is the
largest memory of the process during the steps, less what it had before the models were made. Where the reference's ln p
are kept, it is not computed.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.models.adapters import load_weights
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import build_model, configure
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.training.fine_tuning import freeze, frozen_weights, share_weights
from clcap_cli.training.optimizer import make_optimizer
from clcap_cli.training.settings import FineTuning, Optimisation
from tests.benchmarks.measure import argument_parser, seconds
from tests.benchmarks.memory import mebibytes, peak_of

K, CAPTIONS, LONGEST, RANK = 5, 5, 16, 16
REGIONS, WIDTH, VOCABULARY = 577, 768, 30524
START, END = 30522, 102
BLIP_BASE = {
    "text_config": {"encoder_hidden_size": WIDTH, "bos_token_id": START, "sep_token_id": END, "vocab_size": VOCABULARY},
    "vision_config": {"image_size": 384, "patch_size": 16, "hidden_size": WIDTH},
}
"""What matters of the configuration of Salesforce/blip-image-captioning-base; the rest is the library's default."""


@dataclass(frozen=True)
class Side:
    """A way to train, and a way to have the reference's ln p."""

    settings: FineTuning
    is_shared: bool = False
    """Whether the reference has its weights in common with the target's frozen ones."""
    is_kept: bool = False
    """Whether the reference's ln p are kept instead of computed."""


LORA = FineTuning(lora=RANK)
CHECKPOINTING = FineTuning(lora=RANK, gradient_checkpointing=True)
SIDES = {
    "all weights, two models": Side(FineTuning()),
    "LoRA, two models": Side(LORA),
    "LoRA, adapter off": Side(LORA, is_shared=True),
    "LoRA, adapter off, ln p kept": Side(LORA, is_shared=True, is_kept=True),
    "LoRA, adapter off, gradient checkpointing": Side(CHECKPOINTING, is_shared=True),
}


def blip(rank: int) -> Captioner:
    """A text part of the size of BLIP-base in training mode."""
    facts = {"vocabulary_size": VOCABULARY, "start_token": START, "end_token": END, "max_length": LONGEST}
    sizes = {"pooled_channels": WIDTH, "grid_channels": WIDTH, "regions": REGIONS, "positions": 512}
    config = configure("blip", facts | sizes, {"architecture": BLIP_BASE, "lora_rank": rank})
    return build_model("blip", config).train()


def models_of(side: Side) -> tuple[Captioner, Captioner]:
    """Target and reference, which compute the same."""
    target, reference = blip(side.settings.lora or 0), blip(0).eval().requires_grad_(False)
    load_weights(target, reference.state_dict())
    freeze(target, side.settings)
    if side.is_shared:
        share_weights(frozen_weights(target), reference)
    return target, reference


def step_of(target: Captioner, reference: Captioner, images: int, is_kept: bool) -> Callable[[], None]:
    """A step on ``images`` images with five captions each and K mismatched captions for each of these."""
    torch.manual_seed(1)
    features = ImageFeatures(torch.randn(images, WIDTH), torch.randn(images, REGIONS, WIDTH))
    count = (1 + K) * images * CAPTIONS
    tokens = torch.randint(1000, VOCABULARY, (count, LONGEST))
    batch = features, tokens, torch.randint(8, LONGEST + 1, (count,)), torch.arange(images).repeat(count // images)
    optimizer = make_optimizer(target, Optimisation(lr=1e-4))
    kept = _log_probs(reference, batch) if is_kept else None

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        known = _log_probs(reference, batch) if kept is None else kept
        pairs = PairLogProbs(target(*batch).view(1 + K, -1), (batch[2] + 1).view(1 + K, -1), known.view(1 + K, -1))
        Contrastive().loss(pairs).backward()
        optimizer.step()

    return step


@torch.no_grad()
def _log_probs(reference: Captioner, batch: tuple[ImageFeatures, Tensor, Tensor, Tensor]) -> Tensor:
    return reference(*batch)


def parameter_mebibytes(*models: nn.Module) -> float:
    """Size of all parameters; those in the same memory count once."""
    sizes = {weight.data_ptr(): weight.nbytes for model in models for weight in model.parameters()}
    return sum(sizes.values()) / 2**20


def measure(side: Side, images: int, runs: int, threads: int) -> tuple[float, float, float]:
    """MiB of parameters, MiB of memory at the peak of the steps, and the median seconds of a step."""
    torch.set_num_threads(threads)
    before = mebibytes("VmRSS")
    models = models_of(side)
    step = step_of(*models, images, side.is_kept)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    step()
    times = [seconds(step, "cpu") for _ in range(runs)]
    return parameter_mebibytes(*models), peak_of() - before, statistics.median(times)


def main(given: argparse.Namespace) -> None:
    """Print a table with a row for each side."""
    print(f"{'':<42} {'parameters':>12} {'peak':>12} {'step':>8}")
    for name, side in SIDES.items():
        with get_context("spawn").Pool(1) as pool:
            parameters, peak, time = pool.apply(measure, (side, given.images, given.runs, torch.get_num_threads()))
        print(f"{name:<42} {parameters:>8,.0f} MiB {peak:>8,.0f} MiB {time:>6.2f} s", flush=True)


if __name__ == "__main__":
    parser = argument_parser(__doc__ or "", runs=3)
    parser.add_argument("--images", type=int, default=4, help="number of images in a batch")
    main(parser.parse_args())
