"""Random numbers of a stage: independent streams by name, all spawned from its one seed.

What one purpose draws, and how much, changes nothing for the others: with other negatives the images come in the same
order, and with another batch size the weights start the same.
"""

import hashlib
from typing import Literal

import numpy as np
import torch

Purpose = Literal[
    "initialisation",
    "dropout",
    "order",
    "negatives",
    "fixed negatives",
    "sampling",
    "warm-up order",
    "warm-up negatives",
    "validation sample",
    "validation negatives",
    "validation sampling",
    "decoding",
]


def random_generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """The random numbers of one purpose in one epoch."""
    return np.random.default_rng(_seed_sequence(seed, purpose, epoch))


def torch_seed(seed: int, purpose: Purpose) -> int:
    """What to seed a generator of PyTorch with for one purpose."""
    return int(
        _seed_sequence(seed, purpose, 0).generate_state(1, np.uint64)[0] >> 1
    )  # PyTorch takes 63 bits everywhere


def seed_torch(seed: int, purpose: Purpose) -> None:
    """Let PyTorch's own generator, which initialises layers and drops numbers out, serve this purpose from now on."""
    torch.manual_seed(torch_seed(seed, purpose))


def torch_generator(device: torch.device) -> torch.Generator:
    """PyTorch's own generator of the numbers that are drawn on ``device``, which ``seed_torch`` seeds."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    return torch.mps._get_default_mps_generator() if device.type == "mps" else torch.default_generator


def _seed_sequence(seed: int, purpose: Purpose, epoch: int) -> np.random.SeedSequence:
    name = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4])
    return np.random.SeedSequence(seed, spawn_key=(name, epoch))
