"""Floating-point operations of a training step's matrix products, and the rate at which a machine computes products."""

import statistics
from collections.abc import Sequence
from functools import cache

import torch

from clcap_cli.models.captioner import Captioner
from tests.benchmarks.batches import Batch
from tests.benchmarks.measure import REGIONS, SIZE, seconds

OF_FEATURES = {"image", "overview", "regions"}
"""Layers whose inputs are features, which have no gradient."""
OF_IMAGES = {"region_keys", "overview_to_lstm", "overview_to_gate", "image_input"}
"""Other layers that are applied once to each image or region."""
OF_INPUTS = {"input", "gate_input"}
"""Layers that are applied to the vectors of input tokens, once to each different token."""
OF_REGIONS = {"regions", "region_keys", "image_input"}
TIMINGS, PRODUCT_SIZE = 10, 2048


def step_flops(model: Captioner, batch: Batch) -> int:
    """FLOPs that a step needs: each product once for each different prefix, token, image or region.

    The backward pass takes two products for each of the forward pass, one where the inputs have no gradient.
    """
    total = _attention_flops(model) * batch.distinct_words * 3
    for name, layer in model.named_modules():
        kind = name.split(".")[-1]
        if isinstance(layer, torch.nn.Linear) and kind != "score":
            total += 2 * layer.weight.numel() * _rows(model, kind, batch) * (2 if kind in OF_FEATURES else 3)
    return total + (reference_flops(model, batch) if batch.sets > 1 else 0)


def reference_flops(model: Captioner, batch: Batch) -> int:
    """FLOPs of the forward pass of the reference."""
    layers = [(name.split(".")[-1], m) for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    products = sum(2 * m.weight.numel() * _rows(model, kind, batch) for kind, m in layers if kind != "score")
    return products + _attention_flops(model) * batch.distinct_words


def _attention_flops(model: Captioner) -> int:
    """FLOPs of a token's attention to the regions: scores and weighted sum."""
    return 4 * REGIONS * SIZE * getattr(model.config, "layers", 1) if model.uses_grid else 0


def _rows(model: Captioner, kind: str, batch: Batch) -> int:
    """Number of rows that a kind of layer is applied to."""
    if kind in OF_FEATURES | OF_IMAGES:
        of_regions = kind in OF_REGIONS or (kind == "image" and model.uses_grid)
        return len(batch.features) * (REGIONS if of_regions else 1)
    return batch.distinct_inputs if kind in OF_INPUTS else batch.distinct_words


def share_of_peak(flops: float, times: Sequence[float], device: str, dtype: torch.dtype) -> str:
    """The rate of work of ``flops`` in the median of ``times``, and its share of the device's rate of products."""
    rate = flops / statistics.median(times)
    return f"{rate / 1e9:,.0f} GFLOP/s, {rate / product_rate(device, dtype):.0%} of the peak"


@cache
def product_rate(device: str, dtype: torch.dtype, size: int = PRODUCT_SIZE) -> float:
    """The best of several measurements of FLOP/s of a product of square matrices."""
    left, right = torch.randn(2, size, size, device=device, dtype=dtype)
    return 2 * size**3 / min(seconds(lambda: left @ right, device) for _ in range(TIMINGS))
