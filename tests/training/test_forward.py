"""Training uses only the ``forward`` of a captioner, so module wrappers see all computation."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.training.task import Task
from tests.training.tasks import adversarial_task, introspective_task, mle_task, pair_task


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
@pytest.mark.parametrize("make", [mle_task, pair_task, introspective_task, adversarial_task])
def test_every_gradient_passes_through_forward(shared_chain: Path, make: Callable[..., Task], model: str) -> None:
    task = make(shared_chain, model)
    task.model.train()
    loaded = task.load(task.micro_batches(task.batches(1)[0])[0][0])
    task.loss(loaded)[0].backward()
    assert all(parameter.grad is not None for parameter in task.model.parameters())
    task.model.zero_grad(set_to_none=True)
    outputs = []

    def cut_off(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        outputs.append(output.detach().requires_grad_())
        return outputs[-1]

    task.model.register_forward_hook(cut_off)
    task.loss(loaded)[0].backward()
    assert len(outputs) == 1
    assert outputs[0].grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in task.model.parameters())
