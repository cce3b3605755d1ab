"""What every benchmark shares: models of standard size, paired timings, peak memory, the machine's own limit."""

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


def options(what: str) -> argparse.Namespace:
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=7, help="timings of each side, in turn")
    parser.add_argument("--models", nargs="+", default=MODELS.names)
    return parser.parse_args()


def standard_model(name: str, device: str) -> Captioner:
    """A captioner of the size that papers use."""
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
    """How long ``work`` takes, the device's queue included."""
    started = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def in_turn(
    ours: Callable[[], object], plain: Callable[[], object], runs: int, device: str
) -> tuple[float, float, str]:
    """Median seconds of both, which have run before, and their ratio with its spread over the pairs."""
    pairs = [(seconds(ours, device), seconds(plain, device)) for _ in range(runs)]
    ratios = sorted(other / own for own, other in pairs)
    own, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    return own, other, f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def product_peak(device: str) -> float:
    """FLOP/s of the fp32 matrix product at 2048³, the best of several."""
    left, right = torch.randn(2, 2048, 2048, device=device)
    return 2 * 2048**3 / min(seconds(lambda: left @ right, device) for _ in range(10))


def peak_memory(work: Callable[..., object], *arguments: object) -> float:
    """MiB that a process takes for ``work`` above what it took when idle, on the CPU of a Linux machine."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (work, arguments))


def _peak(work: Callable[..., Callable[[], object]], arguments: tuple) -> float:
    run = work(*arguments)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    idle = _resident("VmRSS")
    run()
    return _resident("VmHWM") - idle


def _resident(which: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def word_flop(model: Captioner) -> int:
    """Floating-point operations of the products that one word needs, forward."""
    once = {"image", "overview", "regions", "region_keys", "overview_to_lstm", "overview_to_gate", "image_input"}
    layers = [(name, m) for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    products = sum(2 * m.weight.numel() for name, m in layers if name.split(".")[-1] not in once | {"score"})
    attention = 4 * REGIONS * SIZE * getattr(model.config, "layers", 1)
    return products + (attention if model.uses_grid else 0)
