"""What show says of the files of models and of their training."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.base import Base
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.discriminators import open_discriminator
from clcap_cli.artifacts.output_lock import is_busy
from clcap_cli.artifacts.state_shards import StateShards
from clcap_cli.models.captioner import CaptionerConfig
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer
from clcap_cli.training.saved_state import open_saved_state
from clcap_cli.training.worse import recorded_rise


def checkpoint_facts(file: Path) -> dict[str, str]:
    """What show says of a checkpoint."""
    opened = open_checkpoint(file)
    config, rise = opened.config, recorded_rise(opened.training, file)
    training = _training(opened.training, is_busy(file))
    return {
        "model": f"{opened.model}, {_sizes(config)}",
        "tokens": f"{_tokens(opened.tokenizer)}, captions of at most {config.max_length}",
        "backbone": f"{opened.backbone.description}{_encoder_place(opened)}",
        "round": str(opened.lineage.round),
        **({"base": f"{opened.base.path}; {_own_part(opened.base, opened)}"} if opened.base else {}),
        **({"training": training} if training else {}),
        **({"warning": str(rise)} if rise else {}),
    }


def _encoder_place(opened: Checkpoint) -> str:
    if opened.encoder is None:
        return ""
    return ", in its base" if opened.base and opened.encoder is opened.base.encoder else ", in this file"


def _own_part(base: Base, opened: Checkpoint) -> str:
    return f"this file holds {len(base.own_names)} of {len(opened.weights)} weights"


def _training(record: Mapping[str, Any], is_running: bool) -> str:
    """How a checkpoint was trained, or from where it was imported, in words; empty if neither is recorded."""
    if "imported" in record:
        prompt = f", prompt '{record['prompt']}'" if record.get("prompt") else ""
        return f"imported from {record['imported']}{prompt}"
    if "epochs" not in record:
        return ""
    if record.get("finished", True):
        return f"finished; best epoch {record['best_epoch']} of {record['epochs']} by {record['criterion']}"
    return f"{_state(is_running)}; the best so far by {record['criterion']}, after epoch {record['best_epoch']}"


def _state(is_running: bool) -> str:
    return "running" if is_running else "unfinished"


def train_state_facts(file: Path) -> dict[str, str]:
    """What show says of the saved state of a training run."""
    opened = open_saved_state(file)
    best, computation, is_running = opened.progress.best, opened.computation, is_busy(file)
    return {
        "training": f"{_state(is_running)}; {'saved' if is_running else 'stopped'} after {opened.place}",
        **({"best": f"epoch {best.epoch:g} (step {best.step})"} if best else {}),
        **({"shards": _shards(opened.shards, file)} if opened.shards else {}),
        "computed": f"on {computation.device} with {computation.threads} threads in {computation.precision}",
        **({} if is_running else {"continue": opened.continue_with}),
    }


def _shards(shards: StateShards, file: Path) -> str:
    sizes = [path.stat().st_size for path in shards.paths(file)]
    return f"{len(sizes)}, {sum(sizes) / 2**20:,.1f} MiB, in {shards.folder(file).name}"


def _tokens(tokenizer: Tokenizer) -> str:
    split = f", --tokenize {tokenizer.segmenter.name}" if isinstance(tokenizer, WordTokenizer) else ""
    return f"{tokenizer.size} ({tokenizer.kind}{split}, id {tokenizer.id})"


def _sizes(config: CaptionerConfig) -> str:
    """The options of the model's class that are single values, as text."""
    own = {
        name: value
        for name, value in asdict(config).items()
        if name not in CaptionerConfig.__dataclass_fields__ and isinstance(value, int | float | str)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in own.items())


def discriminator_facts(file: Path) -> dict[str, str]:
    """What show says of a discriminator."""
    opened = open_discriminator(file)
    config = opened.config
    return {
        "model": f"discriminator of captions, hidden {config.hidden_size}, embedding {config.embedding_size}",
        "tokens": _tokens(opened.tokenizer),
        "backbone": opened.backbone.description,
    }


FACTS = {
    "clcap/checkpoint": checkpoint_facts,
    "clcap/discriminator": discriminator_facts,
    "clcap/train-state": train_state_facts,
}
"""What show says of a file, by format."""
