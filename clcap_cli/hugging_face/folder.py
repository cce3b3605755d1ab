"""Folders of pretrained captioners as Hugging Face's libraries write them: where they are, and whether they are usable.

Nothing in a folder is run, and only files directly in it are read.
"""

from pathlib import Path
from typing import Any

from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError, first_few, first_line_of
from clcap_cli.extras import import_optional
from clcap_cli.hub_code import check_own_code, objects_in
from clcap_cli.input_files import is_file, is_folder

NEEDED_BY = "import-captioner"
FAMILIES = ("vision-encoder-decoder", "blip", "git")
"""The supported types of models, which are also clcap's names for them."""
MAX_LAYERS = 1000
NOT_YET_SUPPORTED = "BLIP-2, Florence-2, PaliGemma and Qwen2.5-VL are not supported yet"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
SETTINGS = ("config.json", *PROCESSOR_FILES, "tokenizer_config.json", "generation_config.json")
ADAPTER = "adapter_config.json"
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
    hub = import_optional("huggingface_hub", NEEDED_BY)
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's client raises many classes of errors
        reason = first_line_of(error)
        raise ClcapError(
            f"{name} is no folder, and it cannot be downloaded from the hub: {reason}; give a folder that has the model"
        ) from error


def check_folder(folder: Path) -> None:
    """Raise ClcapError unless ``folder`` has all files of a supported captioner, and none that asks for code."""
    if is_file(folder / ADAPTER):
        raise ClcapError(f"{folder} is a PEFT adapter ({ADAPTER}), not a whole captioner; merge it into its base first")
    config = folder / "config.json"
    if not is_file(config):
        raise ClcapError(f"{folder} has no config.json; expected the folder of a pretrained captioner of Hugging Face")
    for path in filter(is_file, (folder / name for name in SETTINGS)):
        _check_settings(path)
    _check_family(folder, read_json(config))
    _check_layers(config)
    for what, names in {"tokenizer": TOKENIZER_FILES, "image processor": PROCESSOR_FILES}.items():
        if not any(is_file(folder / name) for name in names):
            raise ClcapError(
                f"{folder} has no {what}: expected {' or '.join(names)}; save it there with save_pretrained"
            )
    for index in filter(is_file, (folder / name for name in INDEXES)):
        _check_parts(index)


def _check_settings(path: Path) -> None:
    """Raise ClcapError unless a file of settings is a JSON object that asks for no code."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ClcapError(f"{path} must be a JSON object; it is a {type(content).__name__}")
    check_own_code(path, content)


def _check_family(folder: Path, config: dict[str, Any]) -> None:
    kind = config.get("model_type")
    if kind not in FAMILIES:
        expected = f"{', '.join(FAMILIES[:-1])} or {FAMILIES[-1]} ({NOT_YET_SUPPORTED})"
        raise ClcapError(f"{folder} has a model of the type '{kind}'; expected {expected}")
    if kind == "git" and config.get("num_image_with_embedding"):
        raise ClcapError(f"{folder} has a GIT model of videos (num_image_with_embedding); clcap captions single images")


def _check_layers(config: Path) -> None:
    """Raise ClcapError for a number of layers whose creation alone would take hours."""
    settings = (pair for part in objects_in(read_json(config)) for pair in part.items())
    for name, value in settings:
        if "layer" in name and isinstance(value, int) and value > MAX_LAYERS:
            raise ClcapError(f"{config}: {name} is {value}; expected at most {MAX_LAYERS}")


def _check_parts(index: Path) -> None:
    """Raise ClcapError if an index lists files elsewhere than beside it."""
    content = read_json(index)
    parts = content.get("weight_map") if isinstance(content, dict) else None
    names = sorted(set(map(str, parts.values()))) if isinstance(parts, dict) else []
    wrong = [name for name in names if Path(name).name != name or not is_file(index.parent / name)]
    if wrong or not names:
        raise ClcapError(f"{index} lists weights that are not in its folder: {first_few(wrong) or 'none'}")
    if not isinstance(content.get("metadata"), dict):
        raise ClcapError(f"{index} has no object 'metadata', which transformers needs")
