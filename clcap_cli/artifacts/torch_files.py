"""PyTorch files of plain types and tensors, read with ``weights_only=True``, which unpickles nothing else."""

import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.artifacts.archive import check_archive, own_content, pickle_error, unreadable_error
from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.artifacts.checks import check_equal
from clcap_cli.digests import digest, digest_of_json
from clcap_cli.errors import damaged_file_error, first_few, is_out_of_memory


def cpu_weights(model: nn.Module) -> dict[str, Tensor]:
    """A network's weights on the CPU, without gradients."""
    return {name: value.detach().cpu() for name, value in model.state_dict().items()}


def content_id(description: object, weights: Mapping[str, Tensor]) -> str:
    """The content id of a network, computed from its ``description`` (JSON data) and its weights."""
    return digest([digest_of_json(description).encode(), *(value.numpy().tobytes() for value in weights.values())])


def save(content: dict[str, Any], out: Path) -> None:
    """Write ``content`` to ``out`` atomically."""
    buffer = io.BytesIO()  # writing to disk directly, PyTorch may crash if the disk is full
    torch.save(content, buffer)
    with atomic_write(out) as part:
        part.write_bytes(buffer.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Read a file of ``save``, which has a key "provenance"; nothing else in it is checked.

    Raises ClcapError if it is missing, damaged, truncated, contains pickled objects, or was not written by clcap.
    """
    return own_content(path, _read(path))


def check_weights(path: Path, weights: object, build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """Return ``weights``, read from ``path``, if they are finite and fit the network that ``build`` creates.

    Raises ClcapError otherwise, before any memory is allocated for the network.
    """
    with torch.device("meta"):
        expected = build().state_dict()
    return check_tensors(path, "weight", weights, expected)


def check_tensors(path: Path, kind: str, found: object, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``found``, read from ``path``, if it is a dict of finite tensors that match those of ``expected``.

    Raises ClcapError if names, types or shapes differ; messages call each tensor a ``kind``.
    """
    if not isinstance(found, dict):
        raise damaged_file_error(path, f"it has no {kind}s")
    for name in [*expected, *(found.keys() - expected.keys())]:
        check_equal(
            path, f"its {kind} '{name}'", _describe_found(found.get(name)), _describe_tensor(expected.get(name))
        )
    if sum(value.nbytes for value in found.values()) > path.stat().st_size:
        raise damaged_file_error(path, f"its {kind}s are larger than the file")
    nonfinite = [name for name, value in found.items() if not torch.isfinite(value).all()]
    if nonfinite:
        raise damaged_file_error(path, f"its {kind}s are not finite numbers: {first_few(nonfinite)}")
    return found


def _describe_found(value: object) -> str:
    """Description of a value that should be a tensor."""
    if value is None:
        return "missing"
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        return "not a plain tensor"
    return _describe_tensor(value)


def _describe_tensor(value: Tensor | None) -> str:
    if value is None:
        return "missing"
    return f"{str(value.dtype).removeprefix('torch.')} ({', '.join(map(str, value.shape))})"


def _read(path: Path) -> Any:
    check_archive(path)
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
