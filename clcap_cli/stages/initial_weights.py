"""The checkpoint whose weights train-mle starts from."""

from dataclasses import asdict
from pathlib import Path

from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.compatibility import check_backbone, check_tokenizer
from clcap_cli.artifacts.features import Features
from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import CaptionerConfig
from clcap_cli.models.settings import PARAMETER_OF_FIELD
from clcap_cli.tokenizers.tokenizer import Tokenizer

NOT_OF_WEIGHTS = ("max_length", "dropout")
"""Fields of a configuration that no weight depends on."""


def open_initial_weights(path: Path, tokenizer: Tokenizer, tokens_from: Path, features: Features) -> Checkpoint:
    """Open the checkpoint; ``tokens_from`` is the file that the run's ``tokenizer`` comes from.

    Raises ClcapError if its tokenizer or backbone differs from the run's.
    """
    start = open_checkpoint(path)
    check_tokenizer(start, tokenizer, tokens_from)
    check_backbone(start, features.backbone, str(features.path))
    return start


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
