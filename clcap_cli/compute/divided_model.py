"""A model whose weights, gradients and optimiser state are divided over the processes, by PyTorch's FSDP2.

Each process keeps some rows of each weight, a ``DTensor``. The weights of a layer are whole in every process while it
computes, those outside the layers during a whole step.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from clcap_cli.compute.processes import is_first, processes

T = TypeVar("T")


def divide(model: nn.Module, layers: Iterable[nn.Module]) -> None:
    """Divide the weights of ``model`` over the processes; its ``layers`` are gathered one at a time.

    Whatever uses the weights of a layer is called through ``with_weights_of``.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")  # nothing changes the view in place
    mesh = init_device_mesh(next(model.parameters()).device.type, (processes().count,))
    parts: list[Any] = [*layers, model]
    for part in parts:
        for parameter in part.parameters():
            parameter.data = parameter.data.contiguous()
        fully_shard(part, mesh=mesh)
        part.set_gradient_divide_factor(1.0)  # gradients are summed: micro-batches have their weights already
        part.set_force_sum_reduction_for_comms(True)  # Gloo has no scaled sum
        part.call = _call
        register_fsdp_forward_method(part, "call")
        part.is_divided = True


def is_divided(model: nn.Module) -> bool:
    """Whether the weights of the model are divided, and not gathered by ``whole``."""
    return getattr(model, "is_divided", False)


def with_weights_of(layer: nn.Module, compute: Callable[..., T], *inputs: Any) -> T:
    """``compute(*inputs)``, during which the weights of ``layer`` are whole."""
    call: Callable[..., T] = getattr(layer, "call", _call) if is_divided(layer) else _call
    return call(compute, *inputs)


@contextmanager
def whole(model: nn.Module) -> Iterator[None]:
    """Gather all weights of a divided model in every process for the block, which computes no gradients.

    All processes enter it, and then call the model as often as each of them needs.
    """
    parts: list[Any] = [part for part in model.modules() if is_divided(part)]
    for part in parts:
        part.unshard()
        part.is_divided = False
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.is_divided = True


@contextmanager
def whole_on_cpu_of_first(model: nn.Module) -> Iterator[None]:
    """Gather the weights of a divided model on the CPU of the first process for the block, which only reads them.

    All processes enter it.
    """
    divided = [
        (module, name, parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if is_part(parameter)
    ]
    gathered = {parameter: on_cpu_of_first(parameter.detach()) for parameter in dict.fromkeys(p for *_, p in divided)}
    try:
        for module, name, parameter in divided if is_first() else []:
            setattr(module, name, nn.Parameter(gathered[parameter], requires_grad=parameter.requires_grad))
        yield
    finally:
        for module, name, parameter in divided:
            setattr(module, name, parameter)


def is_part(tensor: Tensor) -> bool:
    """Whether this process has only a part of the tensor, a ``DTensor``, whose class takes long to import."""
    return hasattr(tensor, "full_tensor")


def own_part(tensor: Tensor) -> Tensor:
    """What this process has of a tensor."""
    return tensor.to_local() if is_part(tensor) else tensor  # type: ignore[attr-defined]


def on_cpu_of_first(tensor: Tensor) -> Tensor:
    """The whole tensor on the CPU of the first process; the others, which call this too, get an empty one."""
    if is_part(tensor):
        tensor = tensor.full_tensor()  # type: ignore[attr-defined]
    return tensor.cpu() if is_first() else torch.empty(0)


def divided_like(tensor: Tensor, model: Tensor) -> Tensor:
    """The whole ``tensor`` divided like ``model``; itself if that is not divided, or if it is divided already."""
    if not is_part(model) or is_part(tensor):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(model, DTensor)
    part = distribute_tensor(tensor.to(model.device), model.device_mesh, model.placements, src_data_rank=None)
    return part.clone()  # without the memory of the whole tensor


def _call(compute: Callable[..., T], *inputs: Any) -> T:
    return compute(*inputs)
