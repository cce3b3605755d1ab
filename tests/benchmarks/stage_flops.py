"""Floating-point operations of each stage for one image, as PyTorch counts those of matrix products and convolutions.

    python -m tests.benchmarks.stage_flops

The bundled backbone, and NeuralTalk2 of standard size with 5 random captions of 8 to 16 words for each image. Few of
them share a prefix, so real captions need less.
"""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from clcap_cli.features.backbone import load_backbone
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from tests.benchmarks.batches import random_batches
from tests.benchmarks.clcap_sides import clcap_captions
from tests.benchmarks.measure import standard_captions, standard_images, standard_model
from tests.benchmarks.steps import standard_step
from tests.benchmarks.synthetic_data import World

MODEL, IMAGES, K = "neuraltalk2", 10, 5


def flops(work: Callable[[], object]) -> float:
    """FLOPs of ``work``, which is done once before, for one of its images."""
    work()
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / IMAGES


def extraction() -> Callable[[], object]:
    """Extracting the features of the images."""
    backbone = load_backbone(DEFAULT_BACKBONE, None, None, torch.device("cpu"))
    pixels = torch.zeros(IMAGES, 3, backbone.info.image_size, backbone.info.image_size)
    return lambda: backbone.features(pixels)


def scoring() -> Callable[[], object]:
    """ln p of one caption with each of the images."""
    model, captions = standard_model(MODEL, "cpu").eval(), standard_captions(IMAGES, 1, "cpu")
    encoded = model.encode(standard_images(IMAGES, "cpu"))
    return lambda: model.sequence_log_prob(encoded, captions.tokens, captions.lengths, captions.image)


def main() -> None:
    stages = {
        "extraction": extraction(),
        "a step of maximum likelihood": standard_step(MODEL, random_batches(0, IMAGES, "cpu")[:1], "cpu"),
        f"a step of CL, K = {K}": standard_step(MODEL, random_batches(K, IMAGES, "cpu")[:1], "cpu"),
        "caption, beam 3": clcap_captions(standard_model(MODEL, "cpu").eval(), World(IMAGES, 0)),
        "ln p of a caption with an image": scoring(),
    }
    print("| Stage | GFLOP for an image |\n|---|---:|")
    for name, work in stages.items():
        print(f"| {name} | {flops(work) / 1e9:.3f} |", flush=True)


if __name__ == "__main__":
    main()
