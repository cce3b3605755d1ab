import torch

from clcap_cli.compute.devices import make_reproducible
from clcap_cli.models.registry import build_model, configure
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import OPTIONS

FACTS = {"vocabulary_size": 300, "start_token": 300, "end_token": 0, "max_length": 8}
FACTS |= {"pooled_channels": 64, "grid_channels": 64}


def test_same_seed_same_gradients_with_any_thread_order() -> None:
    """The sizes are large enough for PyTorch to use several threads in every operation."""

    def gradients(name: str) -> list[torch.Tensor]:
        make_reproducible()
        torch.manual_seed(5)
        model = build_model(name, configure(name, FACTS, {}))
        features = ImageFeatures(torch.randn(8, 64), torch.randn(8, 16, 64))
        captions, lengths = torch.randint(1, 300, (200, 8)), torch.randint(1, 9, (200,))
        image_index = torch.arange(8).repeat(25)
        model.sequence_log_prob(model.encode(features), captions, lengths, image_index).mean().backward()
        return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    for name in OPTIONS:
        assert all(map(torch.equal, gradients(name), gradients(name)))
