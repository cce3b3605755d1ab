"""LoRA adapters (Hu et al. 2022) of captioners, made by the library peft.

An adapter adds the product of two small matrices to the weight matrix of a linear layer, and only these are trained.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from clcap_cli.extras import import_optional

ALPHA = 2
"""LoRA's alpha, which scales the adapters' products, divided by their rank."""
WRAPPED = ".base_layer."
"""Part of the name of a weight of a layer that has an adapter."""


def add_adapters(network: nn.Module, layers: nn.ModuleList, rank: int) -> None:
    """Add adapters to all linear layers within ``layers`` of ``network``; at first, they change nothing."""
    peft = import_optional("peft", "a model with LoRA adapters")
    linear = (nn.Linear, import_optional("transformers.pytorch_utils", "a model with LoRA adapters").Conv1D)
    within = {id(module): isinstance(module, linear) for module in layers.modules()}
    names = [name for name, module in network.named_modules() if within.get(id(module))]
    is_transposed = any(isinstance(module, linear[1]) for module in layers.modules())
    config = peft.LoraConfig(
        r=rank, lora_alpha=ALPHA * rank, target_modules=names, fan_in_fan_out=is_transposed, bias="none"
    )
    peft.inject_adapter_in_model(config, network)


def base_name(name: str) -> str:
    """The name that a weight has in the same model without adapters."""
    return name.replace(WRAPPED, ".")


def is_of_adapter(name: str) -> bool:
    """Whether a weight of this name belongs to an adapter."""
    return ".lora_" in name


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load all ``weights`` of a model; its adapters keep their initial values if ``weights`` are of one without."""
    found = {name: weights.get(name, weights.get(base_name(name))) for name in model.state_dict()}
    missing, _ = model.load_state_dict({n: value for n, value in found.items() if value is not None}, strict=False)
    assert all(map(is_of_adapter, missing)), missing


def merged_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights of the same model without adapters; changes ``model``, which computes the same as before."""
    layer = import_optional("peft.tuners.tuners_utils", "a model with LoRA adapters").BaseTunerLayer
    for module in model.modules():
        if isinstance(module, layer):
            module.merge()
    return {base_name(name): value for name, value in model.state_dict().items() if not is_of_adapter(name)}
