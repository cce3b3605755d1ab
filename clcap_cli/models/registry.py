"""The captioners by the names that users type, and their configurations."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from clcap_cli.errors import ClcapError, InvalidValueError, unknown_name_error
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.registry import Registry

MODELS: Registry[type[Captioner]] = Registry(
    "model",
    "clcap.models",
    {
        "neuraltalk2": "clcap_cli.models.neuraltalk2:NeuralTalk2",
        "adaptive-attention": "clcap_cli.models.adaptive_attention:AdaptiveAttention",
        "transformer": "clcap_cli.models.transformer:Transformer",
    },
    base_class=Captioner,
)


def configure(
    name: str, facts: Mapping[str, int], options: Mapping[str, Any], typed: Mapping[str, str] = {}
) -> CaptionerConfig:
    """The configuration of the model ``name`` for data with these ``facts``: those that it has fields for.

    ``options`` are the fields that a user chose; ``typed`` are the parameters by which some of them were given, if not
    as ``model_option``. Raises InvalidValueError for an unknown model or option, and for a value that an option cannot
    have; ClcapError for a model of a package that cannot be loaded.
    """
    if name not in MODELS.names:
        raise InvalidValueError("model", str(unknown_name_error("model", name, MODELS.names)))
    kind = MODELS.get(name).Config
    names = [field.name for field in fields(kind)]
    choices = [field for field in names if field not in facts]
    unknown = [option for option in options if option not in choices]
    if unknown:
        parameter = typed.get(unknown[0], "model_option")
        raise InvalidValueError(parameter, f"the model {name} has no '{unknown[0]}'; it has: {', '.join(choices)}")
    known = {field: value for field, value in facts.items() if field in names}
    try:
        return TypeAdapter(kind).validate_python({**known, **options})
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(map(str, first["loc"]))
        reason = first["msg"] if option in typed else f"{option}: {first['msg']}"
        raise InvalidValueError(typed.get(option, "model_option"), reason) from error
    except ClcapError as error:  # fields that do not go together
        raise InvalidValueError("model_option", str(error)) from error


def with_dropout(config: CaptionerConfig, dropout: float) -> CaptionerConfig:
    """The configuration with another dropout rate.

    Raises ClcapError for a model that has none and a rate above 0.
    """
    if "dropout" in type(config).__dataclass_fields__:
        changed: dict[str, Any] = {"dropout": dropout}
        return replace(config, **changed)
    if dropout:
        raise ClcapError("this model has no dropout; leave --dropout out")
    return config


def build_model(name: str, config: CaptionerConfig) -> Captioner:
    """A captioner with fresh weights.

    Raises ClcapError for an unknown name.
    """
    return MODELS.get(name)(config)
