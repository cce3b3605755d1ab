"""Random numbers of a stage: an independent stream for each purpose, all derived from one seed.

Drawing more or fewer numbers for one purpose does not change the others: different negatives leave the order of the
images unchanged, and a different batch size leaves the initial weights unchanged.
"""

import hashlib
from typing import Literal

import numpy as np
import torch

from clcap_cli.compute.processes import processes

Purpose = Literal[
    "initialisation",
    "dropout",
    "order",
    "negatives",
    "fixed negatives",
    "negative pool",
    "augmentation",
    "sampling",
    "warm-up order",
    "warm-up negatives",
    "validation sample",
    "validation negatives",
    "validation sampling",
    "decoding",
    "estimate",
]


def random_generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """A NumPy generator for one purpose in one epoch."""
    return np.random.default_rng(_seed_sequence(seed, purpose, epoch))


def torch_seed(seed: int, purpose: Purpose, epoch: int = 0) -> int:
    """The seed of a PyTorch generator for one purpose in one epoch."""
    return int(
        _seed_sequence(seed, purpose, epoch).generate_state(1, np.uint64)[0] >> 1
    )  # all devices of PyTorch accept 63 bits


def seed_torch(seed: int, purpose: Purpose) -> None:
    """Seed PyTorch's default generator, which initialisation and dropout use, for one purpose."""
    torch.manual_seed(torch_seed(seed, purpose))


def seed_step(seed: int, step: int) -> None:
    """Where several processes train, seed the dropout of a step: it differs between processes.

    One process has one stream for all steps.
    """
    here = processes()
    if here.count > 1:
        torch.manual_seed(torch_seed(seed, "dropout", step * here.count + here.rank))


def torch_generator(device: torch.device) -> torch.Generator:
    """PyTorch's default generator on ``device``, which ``seed_torch`` seeds."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    return torch.mps._get_default_mps_generator() if device.type == "mps" else torch.default_generator


def _seed_sequence(seed: int, purpose: Purpose, epoch: int) -> np.random.SeedSequence:
    key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4])
    return np.random.SeedSequence(seed, spawn_key=(key, epoch))
