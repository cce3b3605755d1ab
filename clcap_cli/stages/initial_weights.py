"""The checkpoint whose weights train-mle starts from."""

from dataclasses import asdict
from pathlib import Path

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.compatibility import check_backbone, check_tokenizer, was_trained_on
from clcap_cli.artifacts.features import Features
from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import CaptionerConfig
from clcap_cli.models.settings import PARAMETER_OF_FIELD
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer

NOT_OF_WEIGHTS = ("max_length", "dropout")
"""Fields of a configuration that no weight depends on."""


def words_for(start: Checkpoint | None, captions: Captions) -> Tokenizer:
    """The word tokenizer of ``captions``; if they extend those that ``start`` was trained on, its own tokenizer."""
    if start and isinstance(start.tokenizer, WordTokenizer) and was_trained_on(start, captions):
        return start.tokenizer
    return captions.tokenizer


def check_initial_weights(start: Checkpoint, tokenizer: Tokenizer, tokens_from: Path, features: Features) -> None:
    """Raise ClcapError if the tokenizer or backbone of ``start`` differs from the run's.

    ``tokens_from`` is the file that the run's ``tokenizer`` comes from.
    """
    check_tokenizer(start, tokenizer, tokens_from)
    check_backbone(start, features.backbone, str(features.path))


def check_same_model(start: Checkpoint, model: str, config: CaptionerConfig) -> None:
    """Raise ClcapError, with the options to give, unless the weights of ``start`` fit a model of this configuration."""
    if start.model != model:
        raise ClcapError(f"{start.path} was trained with --model {start.model}; give that instead of --model {model}")
    before, now = asdict(start.config), asdict(config)
    different = [name for name in before if name not in NOT_OF_WEIGHTS and before[name] != now[name]]
    if different:
        found = ", ".join(f"{name} {before[name]} (here {now[name]})" for name in different)
        options = " ".join(_option(name, before[name]) for name in different)
        raise ClcapError(f"{start.path} has {found}, so its weights do not fit; give {options}")


def _option(field: str, value: object) -> str:
    """The option that sets a field of a configuration to a value."""
    parameter = PARAMETER_OF_FIELD.get(field)
    return f"--{parameter} {value}" if parameter else f"--model-option {field}={value}"
