"""Weights that a network uses in two places: state dicts have them once."""

from typing import Any

from torch import nn


def leave_out_tied_weights(module: nn.Module) -> None:
    """Let state dicts of ``module`` contain each of its parameters once, under its first name."""
    first_name = {id(parameter): name for name, parameter in module.named_parameters()}
    every = module.named_parameters(remove_duplicate=False)
    tied = {name: first_name[id(parameter)] for name, parameter in every if first_name[id(parameter)] != name}

    def leave_out(module: nn.Module, state: dict[str, Any], prefix: str, metadata: object) -> None:
        for name in tied:
            state.pop(prefix + name, None)

    def add(module: nn.Module, state: dict[str, Any], prefix: str, *others: object) -> None:
        state.update({prefix + name: state[prefix + own] for name, own in tied.items() if prefix + own in state})

    module.register_state_dict_post_hook(leave_out)
    module.register_load_state_dict_pre_hook(add)
