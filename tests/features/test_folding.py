"""Folded networks compute the features of the networks that they were made from."""

import pytest
import torch
from timm.layers import BatchNormAct2d, StdConv2d
from torch import Tensor, nn

from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.features.folding import recorded_pairs, with_folded_norms
from clcap_cli.features.timm_encoder import TimmEncoder


class SmallEncoder(ImageEncoder):
    """A convolution, a batch normalisation with an activation, and the mean over regions."""

    def __init__(self, convolution: type[nn.Conv2d]):
        super().__init__()
        self.convolution, self.norm = convolution(3, 8, 3), BatchNormAct2d(8)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.norm(self.convolution(images)).flatten(2).transpose(1, 2)
        return maps.mean(1), maps


def norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.no_grad()
def as_trained(network: ImageEncoder) -> ImageEncoder:
    """The network with statistics and scales that differ between channels, as after training."""
    torch.manual_seed(0)
    for norm in norms_of(network):
        for value in (norm.running_mean, norm.bias):
            value.normal_(0, 0.2)  # type: ignore[union-attr]
        for value in (norm.running_var, norm.weight):
            value.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    return network.eval()


def folded_copy(network: ImageEncoder, image: Tensor) -> ImageEncoder:
    with torch.inference_mode(), recorded_pairs(network) as pairs:
        expected = network(image)
    return with_folded_norms(network, pairs, image, expected)


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
def test_a_folded_network_computes_the_same_features(name: str) -> None:
    network = as_trained(TimmEncoder(name, "random", 64))
    folded = folded_copy(network, torch.randn(1, 3, 64, 64))
    assert norms_of(network) and not norms_of(folded)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        for found, expected in zip(folded(images), network(images), strict=True):
            assert (found - expected).norm() < 1e-5 * expected.norm()


@pytest.mark.parametrize(("convolution", "is_folded"), [(nn.Conv2d, True), (StdConv2d, False)])
def test_standardised_weights_are_not_folded(convolution: type[nn.Conv2d], is_folded: bool) -> None:
    network = as_trained(SmallEncoder(convolution))
    assert (folded_copy(network, torch.randn(1, 3, 8, 8)) is not network) == is_folded
