"""The likelihood that --mle-weight adds to the loss of any objective."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.dpo import DPO
from clcap_cli.objectives.mle import with_likelihood
from clcap_cli.objectives.negatives_only import NegativesOnly
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.positives_only import PositivesOnly
from clcap_cli.objectives.simpo import SimPO
from clcap_cli.training.task import Task
from tests.training.tasks import adversarial_task, introspective_task, mle_task, pair_task

WEIGHT = 0.5
MakeTask = Callable[[Path, float], Task]


def of_pairs(objective: type[PairObjective]) -> MakeTask:
    return lambda folder, weight: pair_task(folder, "nt_cl.pt", objective=objective(mle_weight=weight))


WITH_VALIDATION_LOSS: dict[str, MakeTask] = {
    **{kind.__name__: of_pairs(kind) for kind in (Contrastive, PositivesOnly, NegativesOnly, DPO, SimPO)},
    "Introspective": lambda folder, weight: introspective_task(folder, "nt_cl.pt", mle_weight=weight),
}
ALL: dict[str, MakeTask] = {
    **WITH_VALIDATION_LOSS,
    "Adversarial": lambda folder, weight: adversarial_task(folder, "nt_cl.pt", mle_weight=weight),
}


def loss_and_gradient(task: Task) -> tuple[float, torch.Tensor]:
    """Of the first batch."""
    ((part, _),) = task.micro_batches(task.batches(1)[0])
    loss, _ = task.loss(task.load(part))
    loss.backward()
    return loss.item(), torch.cat([one.grad.flatten() for one in task.model.parameters() if one.grad is not None])


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_the_weighted_loss_of_train_mle_is_added(shared_chain: Path, make: MakeTask) -> None:
    """Per caption and not per token: the loss of train-mle is multiplied by the mean number of tokens."""
    likelihood = mle_task(shared_chain, "nt_cl.pt")
    captions, _ = likelihood.captions.captions_of_images(likelihood.batches(1)[0])
    factor = WEIGHT * likelihood.captions.token_counts(captions).mean()
    alone, mle, both = map(loss_and_gradient, (make(shared_chain, 0.0), likelihood, make(shared_chain, WEIGHT)))
    assert both[0] == pytest.approx(alone[0] + factor * mle[0], abs=1e-4)
    torch.testing.assert_close(both[1], alone[1] + factor * mle[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", WITH_VALIDATION_LOSS.values(), ids=WITH_VALIDATION_LOSS)
def test_the_validation_loss_includes_it(shared_chain: Path, make: MakeTask) -> None:
    without, with_it = (make(shared_chain, weight) for weight in (0.0, WEIGHT))
    for task in (without, with_it):
        task.model.eval()
    with torch.inference_mode():
        before, after = without.validate(), with_it.validate()
    assert after["val_loss"] == pytest.approx(before["val_loss"] - WEIGHT * before["val_log_prob"], abs=1e-4)
    assert {**after, "val_loss": 0} == {**before, "val_loss": 0}
    assert after["val_loss"] >= after.get("val_loss_lower_bound", 0)


def test_a_weight_of_0_leaves_the_loss_as_it_is() -> None:
    loss = torch.tensor(0.3)
    assert with_likelihood(loss, torch.tensor([-2.0, float("-inf")]), 0.0) is loss


def test_no_loss_of_equal_models_is_printed_with_it(shared_chain: Path, capsys: pytest.CaptureFixture) -> None:
    task = pair_task(shared_chain, objective=Contrastive(mle_weight=WEIGHT))
    task.warm_up()
    loss = task.starting_metrics("fp32")["loss"]
    assert capsys.readouterr().err == f"training loss before the first step: {loss:.4f}\n"
