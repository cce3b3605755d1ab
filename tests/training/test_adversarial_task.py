import json
from pathlib import Path

import pytest
import torch

from clcap_cli.errors import ClcapError
from clcap_cli.training.adversarial_task import AdversarialTask
from clcap_cli.training.settings import Optimisation
from tests.training.running import train
from tests.training.tasks import adversarial_task


def run(task: AdversarialTask, log: Path, precision: str = "fp32") -> list[dict[str, float]]:
    settings = Optimisation(
        epochs=2, select_by="mean-rank", lr=1e-3, schedule="constant", clip=0.1, patience=5, precision=precision
    )
    train(task, settings, log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{name: v for name, v in line.items() if name not in ("seconds", "data_wait_share")} for line in lines]


def on_training_data(task: AdversarialTask) -> dict[str, float]:
    """Metrics of the discriminator on one batch of the training split."""
    loaded = task.load(task.micro_batches(task.batches(1)[0])[0][0])
    with torch.no_grad():
        return {
            name: float(v) for name, v in task._all_logits(loaded, task._sample_for_training(loaded)).metrics.items()
        }


def test_only_the_discriminator_learns_during_the_warm_up(shared_chain: Path, monkeypatch) -> None:
    monkeypatch.setattr("clcap_cli.training.adversarial_task.DISCRIMINATOR_LR", 5e-3)
    monkeypatch.setattr("clcap_cli.training.adversarial_task.WARM_UP_EPOCHS", 20)
    task = adversarial_task(shared_chain)
    weights = {name: value.clone() for name, value in task.model.state_dict().items()}
    before = on_training_data(task)
    task.warm_up()
    after = on_training_data(task)
    assert after["discriminator_loss"] < before["discriminator_loss"] - 0.2
    for wrong in ("score_mismatched", "score_generated"):
        assert after["score_matched"] - after[wrong] > before["score_matched"] - before[wrong] + 0.1
    assert all(torch.equal(value, weights[name]) for name, value in task.model.state_dict().items())
    assert all(parameter.grad is None for parameter in task.model.parameters())


def test_a_trained_discriminator_skips_the_warm_up(shared_chain: Path) -> None:
    task = adversarial_task(shared_chain, discriminator_is_trained=True)
    weights = {name: value.clone() for name, value in task.discriminator.state_dict().items()}
    task.warm_up()
    assert all(torch.equal(value, weights[name]) for name, value in task.discriminator.state_dict().items())


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_updates_both_models_and_writes_a_log(
    shared_chain: Path, tmp_path: Path, model: str, precision: str
) -> None:
    task = adversarial_task(shared_chain, model)
    weights = {name: value.clone() for name, value in task.discriminator.state_dict().items()}
    lines = run(task, tmp_path / "log.jsonl", precision)
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    assert lines[0]["val_log_prob"] != lines[1]["val_log_prob"]
    metrics = {"discriminator_loss", "score_matched", "score_mismatched", "score_generated"}
    assert {*metrics, "loss", "reward_spread"} <= lines[1].keys()
    assert {*(f"val_{name}" for name in metrics), "val_log_prob", "val_mean_rank", "val_unique_share"} <= lines[
        0
    ].keys()
    assert all(not torch.equal(value, weights[name]) for name, value in task.discriminator.state_dict().items())


def test_same_seed_same_log(shared_chain: Path, tmp_path: Path) -> None:
    logs = []
    for number, seed in enumerate((3, 3, 4)):
        task = adversarial_task(shared_chain, seed=seed)
        task.warm_up()
        logs.append(run(task, tmp_path / f"{number}.jsonl"))
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]


def test_the_captioner_learns_from_a_fixed_discriminator(shared_chain: Path, monkeypatch) -> None:
    """The discriminator scores captions independently of the image, which is easy to learn."""
    monkeypatch.setattr("clcap_cli.training.adversarial_task.DISCRIMINATOR_LR", 0.0)
    task = adversarial_task(shared_chain, k=8)
    with torch.no_grad():
        task.discriminator.image.weight.zero_()
        task.discriminator.image.bias.normal_(std=3)
    optimizer = torch.optim.Adam(task.model.parameters(), lr=1e-2)
    rewards = []
    for epoch in range(1, 13):
        for batch in task.batches(epoch):
            loss, metrics = task.loss(task.load(task.micro_batches(batch)[0][0]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rewards.append(float(metrics["score_generated"]))
    assert sum(rewards[-8:]) / 8 > sum(rewards[:8]) / 8 + 0.05


def test_validation_is_repeatable(shared_chain: Path) -> None:
    task = adversarial_task(shared_chain)
    task.model.eval()
    first = task.validate()
    task.loss(task.load(task.micro_batches(task.batches(1)[0])[0][0]))
    task.discriminator.load_state_dict(adversarial_task(shared_chain).discriminator.state_dict())
    task.model.eval()
    assert task.validate() == first


def test_dropout_is_off_only_while_sampling(shared_chain: Path) -> None:
    task = adversarial_task(shared_chain)
    task.model.dropout.p = 0.9
    task.model.train()
    loaded = task.load(task.micro_batches(task.batches(1)[0])[0][0])
    generated = task._sample_for_training(loaded)
    assert task.model.training
    other = adversarial_task(shared_chain)
    assert torch.equal(generated.captions, other._sample_for_training(loaded).captions)


def test_a_single_sample_per_image_is_refused(shared_chain: Path) -> None:
    with pytest.raises(ClcapError, match=r"--k 1: .* needs at least 2 sampled captions per image"):
        adversarial_task(shared_chain, k=1)
