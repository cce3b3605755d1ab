import pytest
import torch
from torch import nn

from clcap_cli.training.optimizer import BETAS, clip_gradients, make_optimizer, optimizer_tensors
from clcap_cli.training.settings import Optimisation


def with_gradients(value: float) -> nn.Module:
    model = nn.Linear(3, 4)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, value)
    return model


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_adamw_decays_only_matrices(decay: float) -> None:
    model = with_gradients(0.0)
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    make_optimizer(model, Optimisation(optimizer="adamw", lr=0.1, weight_decay=decay)).step()
    assert torch.allclose(model.weight, weight * (1 - 0.1 * decay))
    assert torch.equal(model.bias, bias)


def test_adamw_without_decay_is_adam() -> None:
    made = []
    for name in ("adam", "adamw"):
        torch.manual_seed(0)
        model = with_gradients(0.3)
        make_optimizer(model, Optimisation(optimizer=name, lr=0.1, weight_decay=None if name == "adam" else 0.0)).step()
        made.append(model.state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])


@pytest.mark.parametrize(("name", "plain"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_steps_are_those_of_pytorchs_optimiser(name: str, plain: type[torch.optim.Optimizer]) -> None:
    models = [with_gradients(0.3), with_gradients(0.3)]
    models[1].load_state_dict(models[0].state_dict())
    optimizers = [
        make_optimizer(models[0], Optimisation(optimizer=name, lr=0.1, weight_decay=None if name == "adam" else 0.0)),
        plain(models[1].parameters(), lr=0.1, betas=BETAS, weight_decay=0.0, fused=True),
    ]
    for optimizer, model in zip(optimizers, models, strict=True):
        for _ in range(3):
            optimizer.step()
        optimizer.zero_grad()
        assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    states = [optimizer_tensors(optimizer) for optimizer in optimizers]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])
    assert all(map(torch.equal, *(model.parameters() for model in models)))


@pytest.mark.parametrize("norm", [0.5, 100.0])
def test_clipping_by_norm_bounds_the_total_norm(norm: float) -> None:
    model = with_gradients(2.0)  # 16 numbers: a norm of 8
    clip_gradients(model, Optimisation(clip_norm=norm))
    gradients = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    assert gradients.norm().item() == pytest.approx(min(norm, 8.0), rel=1e-4)
    assert gradients.unique().numel() == 1


def test_clipping_by_value_bounds_every_gradient() -> None:
    model = with_gradients(2.0)
    model.bias.grad.fill_(-0.25)
    clip_gradients(model, Optimisation(clip=0.5))
    assert model.weight.grad.unique().tolist() == [0.5]
    assert model.bias.grad.unique().tolist() == [-0.25]


def test_missing_settings_take_their_defaults() -> None:
    assert Optimisation().resolved().clip == 0.1
    assert Optimisation(clip_norm=5.0).resolved().clip is None
    assert Optimisation().resolved().weight_decay is None
    assert Optimisation(optimizer="adamw").resolved().weight_decay == 0.01
