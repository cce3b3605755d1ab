"""PyTorch files of plain types and tensors, read with ``weights_only=True``, which unpickles nothing else."""

import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from clcap_cli.artifacts.archive import own_content, pickle_error, unreadable_error
from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.artifacts.checks import check_equal
from clcap_cli.artifacts.plain_pickle import check_own_values
from clcap_cli.artifacts.sink import Sink
from clcap_cli.digests import digest, digest_of_json
from clcap_cli.errors import damaged_file_error, first_few, is_out_of_memory
from clcap_cli.models.adapters import base_name

FEW_PARAMETERS = 1000
"""Number of parameters that every network may have without further checks."""


def cpu_weights(model: nn.Module) -> dict[str, Tensor]:
    """A network's weights on the CPU, without gradients."""
    return {name: value.detach().cpu() for name, value in model.state_dict().items()}


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """What training can change of a network's state: all of it but frozen parameters."""
    state = model.state_dict(keep_vars=True).items()
    is_frozen = {name for name, value in state if isinstance(value, nn.Parameter) and not value.requires_grad}
    return {name: value.detach() for name, value in state if name not in is_frozen}


def content_id(description: object, weights: Mapping[str, Tensor]) -> str:
    """The content id of a network, computed from its ``description`` (JSON data) and its weights."""
    tensors = (value.numpy().tobytes() for value in weights.values())  # one at a time, because they may be large
    return digest(chain([digest_of_json(description).encode()], tensors))


def save(content: dict[str, Any], out: Path) -> None:
    """Write ``content`` to ``out`` atomically."""
    with atomic_write(out) as part, part.open("wb", buffering=0) as file:
        sink = Sink(file, BaseException)  # an interruption within a write would make PyTorch crash, too
        torch.save(content, cast("BinaryIO", sink))
        sink.check()


def load(path: Path) -> dict[str, Any]:
    """Read a file of ``save``, which has a key "provenance"; nothing else in it is checked.

    Raises ClcapError if it is missing, damaged, truncated, contains pickled objects, or was not written by clcap.
    """
    return own_content(path, _read(path))


def check_weights(
    path: Path,
    weights: object,
    build: Callable[[], nn.Module],
    kind: str = "weight",
    inherited: Mapping[str, Tensor] = {},
) -> dict[str, Tensor]:
    """Return ``weights``, read from ``path``, if they are finite and fit the network that ``build`` creates.

    Those that ``path`` lacks are taken from ``inherited``, the checked weights of its base. Messages call each of them
    a ``kind``. Raises ClcapError otherwise, before any memory is allocated for the network.
    """
    own = weights if isinstance(weights, dict) else {}
    with torch.device("meta"), _WithoutNormalValues(), _limited_parameters(path, len(own) + len(inherited)):
        expected = build().state_dict()
    names = {name: base_name(name) for name in expected if name not in own and base_name(name) in inherited}
    others = {name: inherited[name_in_base] for name, name_in_base in names.items()}
    _check_kinds(path, kind, others, {name: expected[name] for name in others})
    checked = check_tensors(path, kind, weights, {name: expected[name] for name in expected if name not in others})
    every = checked | others
    return {name: every[name] for name in expected}


class _WithoutNormalValues(TorchFunctionMode):
    """Skips normally distributed initial values: on the device "meta", they only import PyTorch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call ``func`` unless it fills a tensor with normally distributed values."""
        kwargs = kwargs or {}
        if func in (nn.init.normal_, Tensor.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def _limited_parameters(path: Path, found: int) -> Iterator[None]:
    """Raise ClcapError if the block creates a network of many more parameters than the ``found`` weights of the file.

    A network takes no memory for its weights on the device "meta", but each of its layers is an object.
    """
    parameters, limit = 0, 2 * found + FEW_PARAMETERS

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal parameters
        parameters += parameter is not None
        if parameters > limit:
            raise damaged_file_error(path, f"its model has more than {limit} weights, but the file has {found}")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def check_tensors(path: Path, kind: str, found: object, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``found``, read from ``path``, if it is a dict of finite tensors that match those of ``expected``.

    Raises ClcapError if names, types or shapes differ; messages call each tensor a ``kind``.
    """
    if not isinstance(found, dict):
        raise damaged_file_error(path, f"it has no {kind}s")
    _check_kinds(path, kind, found, expected)
    if sum(value.nbytes for value in found.values()) > path.stat().st_size:
        raise damaged_file_error(path, f"its {kind}s are larger than the file")
    nonfinite = [name for name, value in found.items() if not torch.isfinite(value).all()]
    if nonfinite:
        raise damaged_file_error(path, f"its {kind}s are not finite numbers: {first_few(nonfinite)}")
    return found


def check_described(path: Path, kind: str, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise ClcapError if the names, types or shapes of ``found``, tensors without values, are not those expected."""
    for name in [*expected, *(found.keys() - expected.keys())]:
        check_equal(
            path, f"its {kind} '{name}'", _describe_tensor(found.get(name)), _describe_tensor(expected.get(name))
        )


def _check_kinds(path: Path, kind: str, found: Mapping[Any, Any], expected: Mapping[str, Tensor]) -> None:
    """Raise ClcapError if names, types or shapes differ."""
    for name in [*expected, *(found.keys() - expected.keys())]:
        check_equal(
            path, f"its {kind} '{name}'", _describe_found(found.get(name)), _describe_tensor(expected.get(name))
        )


def _describe_found(value: object) -> str:
    """Description of a value that should be a tensor."""
    if value is None:
        return "missing"
    return _describe_tensor(value) if isinstance(value, Tensor) and _is_plain(value) else "not a plain tensor"


def _is_plain(value: Tensor) -> bool:
    """Whether the elements of a tensor lie in memory one after the other, as in the tensors that clcap saves."""
    is_strided = value.layout == torch.strided and value.device.type == "cpu" and value.is_contiguous()
    return is_strided and not (value.requires_grad or value.is_conj() or value.is_neg() or value.is_quantized)


def _describe_tensor(value: Tensor | None) -> str:
    if value is None:
        return "missing"
    return f"{str(value.dtype).removeprefix('torch.')} ({', '.join(map(str, value.shape))})"


def _read(path: Path) -> Any:
    check_own_values(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # about pickle protocols, in files that are rejected anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise pickle_error(path) from error
    except MemoryError:
        raise
    except RuntimeError as error:
        raise error if is_out_of_memory(error) else unreadable_error(path) from error
    except Exception as error:  # a damaged file can make PyTorch and pickle raise nearly any error
        raise unreadable_error(path) from error
