"""Helpers of all benchmarks: models of standard size and paired timings."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import build_model, configure
from clcap_cli.models.rows import ImageFeatures

VOCABULARY, SIZE, CHANNELS, REGIONS, LONGEST = 9488, 512, 2048, 49, 16
STANDARD_MODELS = ["neuraltalk2", "adaptive-attention", "transformer"]
GIT_SIZES = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
"""Sizes of a small GIT, which reads the features of the other models as the hidden states of its image encoder."""
Side = Callable[[], float]
"""One of the implementations that are compared: works once when it is called and returns the seconds that this took."""


def argument_parser(what: str, runs: int = 5) -> argparse.ArgumentParser:
    """The options that most benchmarks have."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=runs, help="number of timings of each implementation, alternating")
    parser.add_argument("--models", nargs="+", default=STANDARD_MODELS)
    return parser


def parse_arguments(what: str) -> argparse.Namespace:
    """The arguments of a benchmark without options of its own."""
    return argument_parser(what).parse_args()


def standard_model(name: str, device: str) -> Captioner:
    """A captioner of the size used in papers; with the name "git", a small GIT."""
    torch.manual_seed(0)
    if name == "git":
        return small_git().to(device)
    tokens = {"vocabulary_size": VOCABULARY, "start_token": VOCABULARY, "end_token": 0, "max_length": LONGEST}
    sizes = {"pooled_channels": CHANNELS, "grid_channels": CHANNELS}
    return build_model(name, configure(name, tokens | sizes, {"hidden_size": SIZE, "dropout": 0.0})).to(device)


def small_git() -> Captioner:
    """A GIT of ``GIT_SIZES`` with the vocabulary of the other models; its start token is its end token."""
    text = {**GIT_SIZES, "vocab_size": VOCABULARY, "max_position_embeddings": 2 * LONGEST, "pad_token_id": 0}
    tokens = {"vocabulary_size": VOCABULARY, "start_token": 0, "end_token": 0, "max_length": LONGEST}
    sizes = {"pooled_channels": CHANNELS, "grid_channels": CHANNELS, "regions": REGIONS, "positions": 2 * LONGEST}
    architecture = {**text, "vision_config": {"hidden_size": CHANNELS}}
    return build_model("git", configure("git", tokens | sizes, {"architecture": architecture}))


def standard_images(count: int, device: str) -> ImageFeatures:
    """Random features."""
    torch.manual_seed(1)
    return ImageFeatures(torch.randn(count, CHANNELS).to(device), torch.randn(count, REGIONS, CHANNELS).to(device))


@dataclass(frozen=True)
class Captions:
    """Random captions of 8 to 16 words."""

    tokens: Tensor
    lengths: Tensor
    image: Tensor

    @property
    def words(self) -> int:
        return int((self.lengths + 1).sum())


def standard_captions(images: int, each: int, device: str) -> Captions:
    """``each`` captions for every image."""
    torch.manual_seed(2)
    count = images * each
    tokens = torch.randint(2, VOCABULARY, (count, LONGEST))
    image = torch.arange(images).repeat_interleave(each)
    return Captions(tokens.to(device), torch.randint(8, LONGEST + 1, (count,)).to(device), image.to(device))


def seconds(work: Callable[[], object], device: str) -> float:
    """Seconds that ``work`` takes, including the work queued on the device."""
    started = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def timed(work: Callable[[], object], device: str) -> Side:
    """``work`` as a side of a comparison."""
    return lambda: seconds(work, device)


def alternate(sides: Mapping[str, Side], runs: int) -> dict[str, list[float]]:
    """Seconds of ``runs`` runs of all sides, which work in turn, after a warm-up of each."""
    for side in sides.values():
        side()
    rounds = [[side() for side in sides.values()] for _ in range(runs)]
    return {name: list(times) for name, times in zip(sides, zip(*rounds, strict=True), strict=True)}


def ratio(own: list[float], other: list[float]) -> str:
    """Median over pairs of timings of how many times as fast the first side is, with the smallest and largest value."""
    ratios = sorted(there / here for here, there in zip(own, other, strict=True))
    return f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def compared(times: Mapping[str, list[float]]) -> str:
    """The first side's median seconds, and how many times as fast as each of the others it is."""
    (_, own), *others = times.items()
    return ", ".join([f"{statistics.median(own):.3f} s", *(f"{ratio(own, other)} {name}" for name, other in others)])


def compare_times(
    ours: Callable[[], object], plain: Callable[[], object], runs: int, device: str
) -> tuple[float, float, str]:
    """Median seconds of both functions after a warm-up, and their ratio with its spread over pairs of timings."""
    times = alternate({"ours": timed(ours, device), "plain": timed(plain, device)}, runs)
    own, other = times.values()
    return statistics.median(own), statistics.median(other), ratio(own, other)
