"""The checkpoint whose weights train-mle starts from."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.compatibility import check_backbone, check_tokenizer, was_trained_on
from clcap_cli.artifacts.features import Features
from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import CaptionerConfig
from clcap_cli.models.registry import configure
from clcap_cli.models.settings import DEFAULT_MODEL, PARAMETER_OF_FIELD
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer

NOT_OF_WEIGHTS = ("max_length", "dropout")
"""Fields of a configuration that no weight depends on."""


def model_name(start: Checkpoint | None, model: str | None) -> str:
    """The chosen ``model``; if none is chosen, that of ``start`` or the default.

    Raises ClcapError if another model than that of ``start`` is chosen.
    """
    if start and model not in (None, start.model):
        raise ClcapError(f"{start.path} was trained with --model {start.model}; give that instead of --model {model}")
    return start.model if start else model or DEFAULT_MODEL


def tokenizer_for(start: Checkpoint | None, captions: Captions) -> Tokenizer:
    """The word tokenizer of ``captions``, or that of ``start``.

    Words of ``start`` are used only for ``captions`` that it was trained on, or that extend these.
    """
    if start and (not isinstance(start.tokenizer, WordTokenizer) or was_trained_on(start, captions)):
        return start.tokenizer
    return captions.tokenizer


def model_config(
    start: Checkpoint | None, model: str, sizes: Mapping[str, int], options: Mapping[str, Any]
) -> CaptionerConfig:
    """The configuration of a ``model`` of these ``options``; those that are not given are those of ``start``.

    Raises ClcapError, with the options to leave out, unless the weights of ``start`` fit.
    """
    own = {name: value for name, value in asdict(start.config).items() if name not in sizes} if start else {}
    config = configure(model, sizes, {**own, **options}, PARAMETER_OF_FIELD)
    if start:
        _check_weights_fit(start, config)
    return config


def check_initial_weights(
    start: Checkpoint, tokenizer: Tokenizer, tokens_from: Path, features: Features | None
) -> None:
    """Raise ClcapError if the tokenizer of ``start`` or the backbone of stored features differs from the run's.

    ``tokens_from`` is the file that the run's ``tokenizer`` comes from.
    """
    check_tokenizer(start, tokenizer, tokens_from)
    if features:
        check_backbone(start, features.backbone, str(features.path))


def _check_weights_fit(start: Checkpoint, config: CaptionerConfig) -> None:
    before, now = asdict(start.config), asdict(config)
    different = [name for name in before if name not in NOT_OF_WEIGHTS and before[name] != now[name]]
    if different:
        found = ", ".join(f"{name} {before[name]} (here {now[name]})" for name in different)
        options = ", ".join(_option(name) for name in different)
        raise ClcapError(f"{start.path} has {found}, so its weights do not fit; leave out {options}")


def _option(field: str) -> str:
    """The option that sets a field of a configuration."""
    parameter = PARAMETER_OF_FIELD.get(field)
    return f"--{parameter}" if parameter else f"--model-option {field}"
