"""Recognising the folder of an encoder by its small files, which takes no time."""

from pathlib import Path

from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

CLIP = "a CLIP model in the layout of Hugging Face"
SENTENCE_ENCODER = "a sentence encoder in the layout of sentence-transformers"


def check_clip_folder(folder: Path) -> None:
    """Raise ClcapError unless the configuration in ``folder`` is that of a CLIP model."""
    _check_has(folder, "config.json", CLIP)
    config = read_json(folder / "config.json")
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "clip":
        found = f"{folder} has a model of type {kind}" if kind else f"{folder / 'config.json'} names no model type"
        raise ClcapError(f"{found}; {CLIP} (type clip) is expected here")


def check_sentence_folder(folder: Path) -> None:
    """Raise ClcapError unless ``folder`` lists modules of sentence-transformers."""
    _check_has(folder, "modules.json", SENTENCE_ENCODER)
    modules = read_json(folder / "modules.json")
    if not isinstance(modules, list) or not modules or not all(isinstance(one, dict) for one in modules):
        raise ClcapError(f"{folder / 'modules.json'} lists no modules; {SENTENCE_ENCODER} is expected here")


def _check_has(folder: Path, file: str, expected: str) -> None:
    if not is_file(folder / file):
        raise ClcapError(f"{folder} has no {file}; {expected} is expected here")
