"""Batches computed in parts, or in bf16, give the same gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.objectives.simpo import SimPO
from clcap_cli.training.data import split_by_tokens
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task import Task
from tests.training.tasks import introspective_task, mle_task, pair_task


def tasks_of(folder: Path, model: str, max_tokens: int | None) -> list[Task]:
    settings = BatchSettings(6, max_tokens)
    return [
        mle_task(folder, model, settings=settings),
        pair_task(folder, model, "nt_cl.pt", settings=settings),
        pair_task(folder, model, objective=SimPO(mle_weight=0.5), settings=settings),
        introspective_task(folder, model, settings=settings, mle_weight=0.5),
    ]


def gradients(task: Task, precision: torch.dtype = torch.float32) -> list[torch.Tensor]:
    for part, share in task.micro_batches(task.batches(1)[0]):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            loss, _ = task.loss(task.load(part))
        (loss * share).backward()
    return [parameter.grad for parameter in task.model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
@pytest.mark.parametrize("max_tokens", [1, 100])
def test_parts_of_a_batch_give_the_gradients_of_the_batch(shared_chain: Path, model: str, max_tokens: int) -> None:
    pairs = zip(tasks_of(shared_chain, model, None), tasks_of(shared_chain, model, max_tokens), strict=True)
    for whole, batches_in_parts in pairs:
        assert len(batches_in_parts.micro_batches(batches_in_parts.batches(1)[0])) > 1
        for one, other in zip(gradients(whole), gradients(batches_in_parts), strict=True):
            assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
def test_bf16_gives_nearly_the_same_gradients(shared_chain: Path, model: str) -> None:
    for exact, rough in zip(tasks_of(shared_chain, model, None), tasks_of(shared_chain, model, None), strict=True):
        one, other = (
            torch.cat([g.flatten() for g in found]) for found in (gradients(exact), gradients(rough, torch.bfloat16))
        )
        assert other.dtype == torch.float32
        assert torch.cosine_similarity(one, other, dim=0) > 0.99


def test_parts_are_as_large_as_allowed() -> None:
    image, words = np.array([0, 0, 1, 2, 3, 3]), np.array([3, 3, 4, 1, 20, 1])
    assert split_by_tokens(image, words, 10) == [slice(0, 2), slice(2, 3), slice(3, 4)]
    assert split_by_tokens(image, words, 11) == [slice(0, 3), slice(3, 4)]
    assert split_by_tokens(image, words, None) == [slice(0, 4)]
