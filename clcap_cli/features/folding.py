"""Folding batch normalisation into convolutions, which saves a pass over memory for each normalisation."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from clcap_cli.features.encoder import ImageEncoder

TOLERANCE = 1e-4
"""Largest relative difference of features, as a ratio of norms, between a network and its folded copy."""


def with_folded_norms(
    network: ImageEncoder, pairs: Mapping[str, str], image: Tensor, expected: tuple[Tensor, Tensor]
) -> ImageEncoder:
    """A copy of a network in which convolutions also do the normalisation that follows them, by ``pairs``.

    Returns the network itself if the copy would not compute its ``expected`` features of ``image`` (1, 3, size, size),
    for example because its convolutions change their weights before they use them.
    """
    if not pairs:
        return network
    folded = copy.deepcopy(network)
    for norm, convolution in pairs.items():
        _fold(folded, norm, convolution)
    with torch.inference_mode():
        found = folded(image)
    return folded if all(map(_are_close, found, expected)) else network


@contextmanager
def recorded_pairs(network: nn.Module) -> Iterator[dict[str, str]]:
    """Collect the batch normalisations applied to the output of a convolution in the block, and these, by name."""
    outputs: list[tuple[Tensor, nn.Module]] = []
    pairs: dict[str, str] = {}
    names = {module: name for name, module in network.named_modules()}

    def record_output(convolution: nn.Module, _: tuple[Tensor], output: Tensor) -> None:
        outputs.append((output, convolution))

    def record_input(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        pairs.update((names[norm], names[convolution]) for output, convolution in outputs if output is inputs[0])

    hooks = [module.register_forward_hook(record_output) for module in names if isinstance(module, nn.Conv2d)]
    hooks += [module.register_forward_pre_hook(record_input) for module in names if _can_be_folded(module)]
    yield pairs
    for hook in hooks:
        hook.remove()


def _can_be_folded(module: nn.Module) -> bool:
    from timm.layers import BatchNormAct2d

    return type(module) in (nn.BatchNorm2d, BatchNormAct2d) and module.running_mean is not None


def _fold(network: nn.Module, norm_name: str, convolution_name: str) -> None:
    from timm.layers import BatchNormAct2d

    norm: Any = network.get_submodule(norm_name)
    convolution: Any = network.get_submodule(convolution_name)
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    rest = nn.Sequential(norm.drop, norm.act) if isinstance(norm, BatchNormAct2d) else nn.Identity()
    network.set_submodule(norm_name, rest)


def _are_close(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).norm() <= TOLERANCE * expected.norm())
