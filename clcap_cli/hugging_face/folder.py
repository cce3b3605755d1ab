"""Folders of pretrained captioners as Hugging Face's libraries write them: where they are, and whether they are usable.

Nothing in a folder is run, and only files directly in it are read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.extras import import_optional
from clcap_cli.input_files import is_file, is_folder

NEEDED_BY = "import-captioner"
FAMILIES = ("vision-encoder-decoder", "blip", "git")
"""The supported types of models, which are also clcap's names for them."""
LARGE_LANGUAGE_MODELS = {
    "blip-2": "BLIP-2",
    "florence2": "Florence-2",
    "paligemma": "PaliGemma",
    "qwen2_5_vl": "Qwen2.5-VL",
}
"""Names of captioners with a large language model, by the type of model."""
SETTINGS = ("config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
"""Files that list the files over which weights are divided."""
DOWNLOADED = ("*.json", "*.txt", "*.model", "*.safetensors")
DOWNLOADED_WITHOUT_SAFETENSORS = ("pytorch_model*.bin",)
"""Patterns of the files that are downloaded from the hub."""


def find_folder(name: str) -> Path:
    """The folder called ``name``, or the one to which the hub's model of this name is downloaded.

    Raises ClcapError if there is neither.
    """
    if is_folder(Path(name)):
        return Path(name)
    if is_file(Path(name)) or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ClcapError(f"{name} is no folder; expected the folder of a pretrained model, or its name on the hub")
    folder = _downloaded(name, DOWNLOADED)
    if not any(folder.glob("*.safetensors")):
        _downloaded(name, DOWNLOADED_WITHOUT_SAFETENSORS)
    return folder


def _downloaded(name: str, patterns: tuple[str, ...]) -> Path:
    import_optional("transformers", NEEDED_BY)  # which requires huggingface_hub
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's client raises many classes of errors
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise ClcapError(
            f"{name} is no folder, and it cannot be downloaded from the hub: {reason}; give a folder that has the model"
        ) from error


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of the model in ``folder``.

    Raises ClcapError if it is missing or invalid, if it is not one of a supported captioner, or if the model needs code
    or files from outside of the folder.
    """
    if not is_file(folder / "config.json"):
        raise ClcapError(f"{folder} has no config.json; expected the folder of a pretrained captioner of Hugging Face")
    config = read_json(folder / "config.json")
    config = config if isinstance(config, dict) else {}
    _check_family(folder, config)
    for path in filter(is_file, (folder / name for name in SETTINGS)):
        if any("auto_map" in part for part in _objects(read_json(path))):
            raise ClcapError(f"{path} asks for code of its own (auto_map), which clcap does not run")
    for index in filter(is_file, (folder / name for name in INDEXES)):
        _check_parts(index)
    return config


def _objects(content: object) -> Iterator[dict[str, Any]]:
    """All objects in JSON data."""
    if isinstance(content, dict):
        yield content
        content = list(content.values())
    if isinstance(content, list):
        for value in content:
            yield from _objects(value)


def _check_family(folder: Path, config: dict[str, Any]) -> None:
    kind, supported = config.get("model_type"), f"supported are {', '.join(FAMILIES)}"
    if kind in LARGE_LANGUAGE_MODELS:
        raise ClcapError(
            f"{folder} has a {LARGE_LANGUAGE_MODELS[kind]} model, which clcap does not support yet; {supported}"
        )
    if kind not in FAMILIES:
        others = ", ".join(LARGE_LANGUAGE_MODELS.values())
        raise ClcapError(f"{folder} has a model of the type '{kind}'; {supported} (not yet {others})")
    if kind == "git" and config.get("num_image_with_embedding"):
        raise ClcapError(f"{folder} has a GIT model of videos (num_image_with_embedding); clcap captions single images")


def _check_parts(index: Path) -> None:
    """Raise ClcapError if an index lists files elsewhere than beside it."""
    content = read_json(index)
    parts = content.get("weight_map") if isinstance(content, dict) else None
    names = sorted(set(map(str, parts.values()))) if isinstance(parts, dict) else []
    wrong = [name for name in names if Path(name).name != name or not is_file(index.parent / name)]
    if wrong or not names:
        raise ClcapError(f"{index} lists weights that are not in its folder: {first_few(wrong) or 'none'}")
