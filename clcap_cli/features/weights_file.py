"""Weights files of backbones: state dicts as training programs save them, with any classifier."""

import argparse
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from clcap_cli.errors import ClcapError, first_few, first_line_of
from clcap_cli.input_files import check_readable

WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
    "teacher",
    "student",
    "network",
    "net",
    "backbone",
    "encoder",
)
"""Keys under which training programs save a state dict; averaged weights (EMA, teacher) come first."""
HEAD_NAMES = ("fc", "head", "classifier", "last_linear", "linear", "logits")
"""Names of classifiers, besides that of the network itself."""


def load_weights(network: nn.Module, name: str, path: Path) -> None:
    """Load the state dict in ``path`` into the network called ``name``.

    The state dict may be nested under a key such as 'state_dict', and its keys may have a prefix such as 'module.'. A
    classifier that is missing or differs is left out, and the network's own is set to zero: features do not depend on
    it.

    Raises ClcapError if the file cannot be read or any other weight is missing, unknown or of another shape.
    """
    state = _without_prefix(_unwrap(_read(path), path), network)
    state, expected = _without_wrong_head(state, network), network.state_dict()
    if flaws := _differences(state, expected, _head_prefixes(network)):
        raise ClcapError(f"{path} does not contain weights for {name}: {'; '.join(flaws)}")
    with torch.no_grad():
        for key, value in expected.items():
            if key not in state and key.startswith(_head_prefixes(network)):
                value.zero_()
    network.load_state_dict(state, strict=False)


def _read(path: Path) -> Any:
    try:
        check_readable(path)
    except ClcapError as error:
        raise ClcapError(f"{error} (--weights is a state dict file or 'random')") from error
    try:
        if path.suffix == ".safetensors":
            return timm.models.load_state_dict(str(path))
        with torch.serialization.safe_globals([argparse.Namespace]):  # the training options beside the weights
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes PyTorch and safetensors raise nearly any error
        raise ClcapError(f"{path} {_read_failure(error, path)}") from error


def _read_failure(error: Exception, path: Path) -> str:
    if path.suffix != ".safetensors" and not _is_pytorch_file(path):
        return "is not a state dict file (.pth, .pt, .safetensors) of PyTorch"
    if isinstance(error, pickle.UnpicklingError):
        return (
            "contains Python objects besides tensors, which clcap does not load because they can run code; "
            "save the weights alone: torch.save(model.state_dict(), 'weights.pth')"
        )
    reason = first_line_of(error)
    return f"is not a readable state dict file (.pth, .pt, .safetensors): {reason}"


def _is_pytorch_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")


def _unwrap(content: Any, path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict by key; raises ClcapError if ``content`` has none."""
    if tensors := _tensors_in(content):
        return tensors
    found = f"the keys {first_few(list(content))}" if isinstance(content, Mapping) else f"a {type(content).__name__}"
    raise ClcapError(f"{path} contains no state dict: it has {found}; save one with torch.save(model.state_dict(), …)")


def _tensors_in(content: Any) -> dict[str, Tensor]:
    """The tensors at the top of ``content``, or else under the first of the ``WRAPPERS`` that has any."""
    if not isinstance(content, Mapping):
        return {}
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    return tensors or next(filter(None, (_tensors_in(content.get(wrapper)) for wrapper in WRAPPERS)), {})


def _without_prefix(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The weights under the prefix for which most keys are those of the network, without the prefix.

    Weights under other prefixes, such as those of a loss or a decoder, are left out.
    """
    known = network.state_dict()
    first = next(iter(known))
    prefixes = {key.removesuffix(first) for key in state if key.endswith(f".{first}")} | {""}
    best = max(sorted(prefixes), key=lambda prefix: sum(prefix + key in state for key in known))
    return {key.removeprefix(best): value for key, value in state.items() if key.startswith(best)}


def _without_wrong_head(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """The weights without a classifier other than the network's own."""
    expected, heads = network.state_dict(), _head_prefixes(network)
    own = {key for key in expected if key.startswith(heads)}
    if all(key in state and state[key].shape == expected[key].shape for key in own):
        wrong = {key for key in state if key not in expected and key.startswith(heads)}
    else:
        wrong = own
    others = tuple(f"{name}." for name in HEAD_NAMES)
    return {
        key: value
        for key, value in state.items()
        if key not in wrong and (key in expected or not key.startswith((*heads, *others)))
    }


def _head_prefixes(network: nn.Module) -> tuple[str, ...]:
    """Prefixes of the keys of the network's classifiers; a network of timm can have two."""
    names = getattr(network, "pretrained_cfg", {}).get("classifier") or ()
    return tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))


def _differences(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], optional: tuple[str, ...]) -> list[str]:
    """What is wrong with a state dict, one text per kind of difference."""
    reshaped = [
        f"{key} is {_shape(state[key])}, expected {_shape(value)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    # The step counters of batch normalisation are newer than many files.
    missing = [key for key in expected if key not in state and not key.startswith(optional) and not _is_counter(key)]
    kinds = {
        "missing": missing,
        "unknown": [key for key in state if key not in expected],
        "of another shape": reshaped,
    }
    return [f"{len(keys)} weights are {kind}: {_first_three(keys)}" for kind, keys in kinds.items() if keys]


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")


def _first_three(items: Sequence[str]) -> str:
    return ", ".join(items[:3]) + (", …" if len(items) > 3 else "")


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
