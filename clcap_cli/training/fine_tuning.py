"""Fine-tuning of a part of a model's weights: LoRA adapters, or the weights whose names match patterns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor

from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.models.adapters import base_name, is_of_adapter, merged_weights
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.training.settings import FineTuning


def initial_model(start: Checkpoint, settings: FineTuning) -> Checkpoint:
    """``start`` with LoRA adapters of the chosen rank, its own or new ones; without a rank, its own are merged.

    Raises ClcapError for a model that takes none, and if it has adapters already that the settings do not fit.
    """
    own_rank = getattr(start.config, "lora_rank", None)
    if settings.lora and own_rank is None:
        raise ClcapError(
            f"{start.path} is a {start.model}, which takes no LoRA adapters; choose the weights that are trained with "
            "--train-layers instead of --lora"
        )
    if own_rank and settings.is_partial and settings.lora != own_rank:
        raise ClcapError(f"{start.path} has LoRA adapters of rank {own_rank}; train them on with --lora {own_rank}")
    if own_rank and not settings.lora:
        merged = merged_weights(start.captioner(torch.device("cpu")))
        return replace(_with_rank(start, 0), weights=merged, base=None)
    return _with_rank(start, settings.lora) if settings.lora else start


def _with_rank(start: Checkpoint, rank: int) -> Checkpoint:
    changes: dict[str, Any] = {"lora_rank": rank}
    return replace(start, config=replace(start.config, **changes))


def freeze(model: Captioner, settings: FineTuning) -> None:
    """Freeze the weights that are not trained, print how many are, and turn gradient checkpointing on or off.

    Raises ClcapError for a pattern that no weight matches, and for a model without gradient checkpointing.
    """
    if settings.gradient_checkpointing:
        _checkpoint_gradients(model)
    if not settings.is_partial:
        return
    names = {name: base_name(name) for name, _ in model.named_parameters()}
    for pattern in settings.train_layers or ():
        _check_matches(pattern, list(names.values()))
    for name, parameter in model.named_parameters():
        matches = any(fnmatchcase(names[name], pattern) for pattern in settings.train_layers or ())
        parameter.requires_grad_(matches or is_of_adapter(name))
    sizes = [(parameter.requires_grad, parameter.numel()) for parameter in model.parameters()]
    trained, total = sum(size for is_trained, size in sizes if is_trained), sum(size for _, size in sizes)
    print_info(f"{trained:,} of {total:,} parameters are trained")


def frozen_weights(model: Captioner) -> dict[str, Tensor]:
    """The weights of a model that are not trained."""
    return {name: weight.data for name, weight in model.named_parameters() if not weight.requires_grad}


def share_weights(weights: Mapping[str, Tensor], model: Captioner) -> None:
    """Let the frozen weights of ``model`` be those ``weights`` that are equal, which frees the memory of its own."""
    named = {base_name(name): value for name, value in weights.items()}
    for name, own in model.named_parameters():
        shared = named.get(base_name(name))
        is_equal = shared is not None and shared.device == own.device and torch.equal(shared, own)
        if shared is not None and is_equal and not own.requires_grad:
            own.data = shared


def _checkpoint_gradients(model: Captioner) -> None:
    if not isinstance(model, HuggingFaceCaptioner):
        raise ClcapError(
            "--gradient-checkpointing is only for captioners of Hugging Face; a smaller --max-tokens saves memory, too"
        )
    model.checkpoints_layers = True


def _check_matches(pattern: str, names: Sequence[str]) -> None:
    if not any(fnmatchcase(name, pattern) for name in names):
        groups = ", ".join(_groups(names))
        raise ClcapError(f"--train-layers '{pattern}': no weight has a matching name; the weights are {groups}")


def _groups(names: Sequence[str]) -> list[str]:
    """Patterns of the groups of weights at the first level of their names at which there are several."""
    parts = [name.split(".") for name in names]
    groups: list[str] = []
    for level in range(1, max(map(len, parts)) + 1):
        groups = list(dict.fromkeys(".".join(one[:level]) + (".*" if len(one) > level else "") for one in parts))
        if len(groups) > 1:
            break
    return groups
