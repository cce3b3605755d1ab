"""Captioners by name, and their configuration."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from clcap_cli.errors import ClcapError, InvalidValueError, reason_of
from clcap_cli.registry import Registry

if TYPE_CHECKING:
    from clcap_cli.models.captioner import Captioner, CaptionerConfig

MODELS: "Registry[type[Captioner]]" = Registry(
    "model",
    "clcap.models",
    {
        "neuraltalk2": "clcap_cli.models.neuraltalk2:NeuralTalk2",
        "adaptive-attention": "clcap_cli.models.adaptive_attention:AdaptiveAttention",
        "transformer": "clcap_cli.models.transformer:Transformer",
        "vision-encoder-decoder": "clcap_cli.models.hugging_face.vision_encoder_decoder:VisionEncoderDecoder",
        "blip": "clcap_cli.models.hugging_face.blip:Blip",
        "git": "clcap_cli.models.hugging_face.git:Git",
    },
    base_class="clcap_cli.models.captioner:Captioner",
)


def configure(
    name: str, data_sizes: Mapping[str, int], options: Mapping[str, Any], parameters: Mapping[str, str] = {}
) -> "CaptionerConfig":
    """The configuration of the model ``name``, from sizes of the data and options that the user chose.

    ``data_sizes`` that the model has no field for are ignored. ``parameters`` maps options to the parameters that set
    them, for messages; other options were set by ``model_option``.

    Raises InvalidValueError for an unknown option and for an invalid value, and ClcapError for an unknown model and for
    one of a package that cannot be loaded.
    """
    from pydantic import TypeAdapter, ValidationError

    config_class = MODELS.get(name).Config
    field_names = [field.name for field in fields(config_class)]
    option_names = [field for field in field_names if field not in data_sizes]
    unknown_options = [option for option in options if option not in option_names]
    if unknown_options:
        parameter = parameters.get(unknown_options[0], "model_option")
        raise InvalidValueError(
            parameter, f"the model {name} has no '{unknown_options[0]}'; it has: {', '.join(option_names)}"
        )
    sizes = {field: value for field, value in data_sizes.items() if field in field_names}
    try:
        return TypeAdapter(config_class).validate_python({**sizes, **options})
    except ValidationError as error:
        option = ".".join(map(str, error.errors()[0]["loc"]))
        reason = reason_of(error) if option in parameters else f"{option} {reason_of(error)}"
        raise InvalidValueError(parameters.get(option, "model_option"), reason) from error
    except ClcapError as error:  # raised by the configuration class for inconsistent fields
        raise InvalidValueError("model_option", str(error)) from error


def with_dropout(config: "CaptionerConfig", dropout: float) -> "CaptionerConfig":
    """A copy of the configuration with another dropout rate.

    Raises ClcapError if the model has no dropout and the rate is above 0.
    """
    if "dropout" in type(config).__dataclass_fields__:
        changes: dict[str, Any] = {"dropout": dropout}
        return replace(config, **changes)
    if dropout:
        raise ClcapError("this model has no dropout; leave --dropout out")
    return config


def build_model(name: str, config: "CaptionerConfig") -> "Captioner":
    """Create a captioner with newly initialised weights.

    Raises ClcapError for an unknown name.
    """
    return MODELS.get(name)(config)
