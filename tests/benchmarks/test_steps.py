"""The training step that benchmarks time."""

import torch
from torch import Tensor, nn

from tests.benchmarks.batches import Batch
from tests.benchmarks.steps import Step
from tests.benchmarks.test_batches import small_batch


def test_autocast_covers_the_loss_but_not_its_gradient() -> None:
    autocast = {}

    def log_probs(model: nn.Module, batch: Batch) -> Tensor:
        autocast["forward"] = torch.is_autocast_enabled("cpu")
        found = model(batch.lengths.float().unsqueeze(1)).squeeze(1)
        found.register_hook(lambda _: autocast.update(backward=torch.is_autocast_enabled("cpu")))
        return found

    model = nn.Linear(1, 1)
    batch = small_batch([[2, 3]], [0], sets=1)
    Step(model, model, log_probs, torch.optim.SGD(model.parameters()), [batch], in_bf16=True)()
    assert autocast == {"forward": True, "backward": False}
