"""Helpers of all benchmarks: models of standard size, paired timings, peak memory, and the machine's peak FLOP/s."""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import MODELS, build_model, configure
from clcap_cli.models.rows import ImageFeatures

VOCABULARY, SIZE, CHANNELS, REGIONS, LONGEST = 9488, 512, 2048, 49, 16


def parse_arguments(what: str) -> argparse.Namespace:
    """The arguments of a benchmark."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=7, help="number of timings of each implementation, alternating")
    parser.add_argument("--models", nargs="+", default=MODELS.names)
    return parser.parse_args()


def standard_model(name: str, device: str) -> Captioner:
    """A captioner of the size used in papers."""
    torch.manual_seed(0)
    tokens = {"vocabulary_size": VOCABULARY, "start_token": VOCABULARY, "end_token": 0, "max_length": LONGEST}
    sizes = {"pooled_channels": CHANNELS, "grid_channels": CHANNELS}
    return build_model(name, configure(name, tokens | sizes, {"hidden_size": SIZE, "dropout": 0.0})).to(device)


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


def compare_times(
    ours: Callable[[], object], plain: Callable[[], object], runs: int, device: str
) -> tuple[float, float, str]:
    """Median seconds of both functions after a warm-up, and their ratio with its spread over pairs of timings."""
    pairs = [(seconds(ours, device), seconds(plain, device)) for _ in range(runs)]
    ratios = sorted(other / own for own, other in pairs)
    own, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    return own, other, f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def product_peak(device: str) -> float:
    """The best of several measurements of FLOP/s of a 2048³ matrix product in fp32."""
    left, right = torch.randn(2, 2048, 2048, device=device)
    return 2 * 2048**3 / min(seconds(lambda: left @ right, device) for _ in range(10))


def peak_memory(work: Callable[..., object], *arguments: object) -> float:
    """Peak memory of a process during ``work`` in MiB above its idle memory, on Linux and the CPU."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (work, arguments))


def _peak(work: Callable[..., Callable[[], object]], arguments: tuple) -> float:
    run = work(*arguments)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    idle = _resident("VmRSS")
    run()
    return _resident("VmHWM") - idle


def _resident(which: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def flops_per_word(model: Captioner) -> int:
    """Floating-point operations of the matrix products in the forward pass of one word."""
    once = {"image", "overview", "regions", "region_keys", "overview_to_lstm", "overview_to_gate", "image_input"}
    layers = [(name, m) for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    products = sum(2 * m.weight.numel() for name, m in layers if name.split(".")[-1] not in once | {"score"})
    attention = 4 * REGIONS * SIZE * getattr(model.config, "layers", 1)
    return products + (attention if model.uses_grid else 0)
