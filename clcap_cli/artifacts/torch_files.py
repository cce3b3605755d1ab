"""PyTorch files of plain types and tensors: read with ``weights_only=True``, which never unpickles anything else."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.artifacts.atomic import written_whole
from clcap_cli.artifacts.provenance import digest, digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A network's weights as a file takes them."""
    return {name: value.detach().cpu() for name, value in model.state_dict().items()}


def content_id(head: object, weights: Mapping[str, Tensor]) -> str:
    """The content id of a network: of the plain data that describe it, and of its weights."""
    return digest([digest_of_json(head).encode(), *(value.numpy().tobytes() for value in weights.values())])


def save(content: dict[str, Any], out: Path) -> None:
    """Write ``content``, whole or not at all."""
    with written_whole(out) as part:
        try:
            torch.save(content, part)
        except RuntimeError as error:  # how torch reports a full disk
            raise ClcapError(f"{out} cannot be written: is the disk full? ({str(error).splitlines()[0]})") from error


def load(path: Path) -> dict[str, Any]:
    """What clcap wrote to ``path``, with its "provenance", not yet checked.

    Raises ClcapError when it is missing, damaged, cut short, holds pickled objects, or is not clcap's.
    """
    content = _read(path)
    if not isinstance(content, dict) or "provenance" not in content:
        raise ClcapError(f"{path} is a PyTorch file, but not one that clcap wrote")
    return content


def _read(path: Path) -> Any:
    check_readable(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # about pickle protocols, before it is refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        with path.open("rb") as file:
            if not file.read(4).startswith((b"PK", b"\x80")):
                raise ClcapError(f"{path} is not a *.pt file that clcap wrote") from error
        raise ClcapError(
            f"{path} holds pickled Python objects, which clcap never loads because they can run code; "
            "it takes checkpoints that clcap wrote"
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise ClcapError(f"{path} is not a readable checkpoint (damaged or cut short); make it again") from error
