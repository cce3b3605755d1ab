"""The optimiser Adam or AdamW, gradient clipping, and the optimiser's state as tensors."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.compute.divided_model import divided_like
from clcap_cli.features.pixel_captioner import encoder_parameters
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.skipped_steps import gradient_norm

BETAS = (0.8, 0.999)
"""Betas of Adam, as in the authors' code."""
PEAK = "peak_lr"
"""Key of the peak learning rate of a group of parameters."""


def _without_compiler(optimizer: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """A subclass with the methods that PyTorch wraps for ``torch.compile``, without their wrappers.

    The wrappers import the compiler at their first call, which takes seconds, and clcap compiles no optimiser.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(optimizer, name)) for name in names}
    step = torch.no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), {**methods, "step": step})


Adam: Any = _without_compiler(torch.optim.Adam)
AdamW: Any = _without_compiler(torch.optim.AdamW)


def make_optimizer(model: nn.Module, settings: Optimisation) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015), or AdamW (Loshchilov & Hutter 2019) with weight decay of matrices, not of vectors.

    It has only those parameters that are not frozen.
    """
    trained, encoder = [p for p in model.parameters() if p.requires_grad], set(encoder_parameters(model))
    of_encoder, others = [p for p in trained if p in encoder], [p for p in trained if p not in encoder]
    parts = [(others, settings.lr), (of_encoder, settings.encoder_lr)]
    groups = [group for parameters, rate in parts if parameters for group in _groups(parameters, rate, settings)]
    make = Adam if settings.optimizer == "adam" else AdamW
    return make(groups, lr=settings.lr, betas=BETAS, fused=True)


def _groups(parameters: Sequence[nn.Parameter], rate: float, settings: Optimisation) -> list[dict[str, Any]]:
    """Parameters with the same peak learning rate ``rate`` as groups of an optimiser."""
    if settings.optimizer == "adam":
        return [{"params": parameters, PEAK: rate}]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay, PEAK: rate},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0, PEAK: rate},
    ]


def clip_gradients(model: nn.Module, settings: Optimisation) -> Tensor:
    """Clip the norm of all gradients together, or each element of the gradients, or neither, by the settings.

    Returns the norm of all gradients before, a scalar.
    """
    norm = gradient_norm(model.parameters())
    if settings.clip_norm is not None:
        nn.utils.clip_grads_with_norm_(model.parameters(), settings.clip_norm, norm)
    elif settings.clip is not None:
        nn.utils.clip_grad_value_(model.parameters(), settings.clip)
    return norm


def set_learning_rates(optimizer: torch.optim.Optimizer, rate: Callable[[float], float]) -> None:
    """Set the learning rates of the next step; ``rate`` gives one from the peak of a group of parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate(group[PEAK])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Adam's state of each parameter, as '0.exp_avg' and so on, with the parameters numbered in their order."""
    memory = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, values in memory.items() for name, value in values.items()}


def optimizer_tensors_like(optimizer: torch.optim.Optimizer, names: Iterable[str]) -> dict[str, Tensor]:
    """Tensors with the types and shapes of the state of the parameters whose numbers occur in ``names``."""
    numbers = {name.partition(".")[0] for name in names}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {
        f"{number}.{name}": torch.zeros(()) if name == "step" else parameter
        for number, parameter in enumerate(parameters)
        if str(number) in numbers
        for name in ("step", "exp_avg", "exp_avg_sq")
    }


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, memory: Mapping[str, Tensor]) -> None:
    """Load the result of ``optimizer_tensors`` of another optimiser; settings such as lr do not change."""
    state: dict[int, dict[str, Tensor]] = defaultdict(dict)
    expected = optimizer_tensors_like(optimizer, memory)
    for key, value in memory.items():
        number, _, name = key.partition(".")
        state[int(number)][name] = divided_like(value, expected[key])
    optimizer.load_state_dict({"state": dict(state), "param_groups": optimizer.state_dict()["param_groups"]})
