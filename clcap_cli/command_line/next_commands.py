"""The commands that usually follow a stage, complete with the names of its files."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.image_folder import image_folder_beside
from clcap_cli.artifacts.json_files import provenance_path
from clcap_cli.artifacts.references import references_path
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError
from clcap_cli.path_patterns import is_pattern
from clcap_cli.remote_path import RemotePath, as_path

METRICS = ".metrics.json"
Given = Mapping[str, Any]
"""What is set for a stage on the command line or in a --config file, by the name of the parameter."""
Words = list[object]


def next_commands(stage: str, given: Given, written: Path | None) -> list[str]:
    """The commands that usually follow the stage; ``written`` is the path of what it wrote."""
    follow = FOLLOWING.get(stage)
    commands = follow(given, written) if follow and written else []
    return [shlex.join(["clcap", *map(str, words)]) for words in commands]


def _prepare_captions(given: Given, folder: Path) -> list[Words]:
    files = ((f"--{split}", folder / f"captions_{split}.json") for split in ("train", "val", "test"))
    return [["prepare-captions", *(word for pair in files for word in pair)]]


def _extract_features(given: Given, captions: Path) -> list[Words]:
    sources = [path for name in ("dataset", "train", "val", "test") for path in _listed(given.get(name))]
    folders = dict.fromkeys(_image_folder(as_path(str(source)), captions) for source in sources)
    there = [folder for folder in folders if _is_shards(folder) or folder.exists()] or [Path("IMAGE_FOLDER")]
    images = [word for folder in there for word in ("--images", folder)]
    return [["extract-features", captions, *images, *_out_beside(captions, "features.h5")]]


def _image_folder(source: Path, captions: Path) -> Path:
    """Where the images of a dataset probably are: in itself, in the folder written from it, or beside it."""
    if _is_shards(source) or source.is_dir() or source.suffix == ".tar":
        return source
    written = image_folder_beside(captions)
    return written if written.is_dir() else source.parent / "images"


def _is_shards(source: Path) -> bool:
    """Whether a dataset is a pattern or in an object store, where only tar archives are read."""
    return isinstance(source, RemotePath) or is_pattern(source)


def _encode_images(given: Given, checkpoint: Path) -> list[Words]:
    features = ["--out", checkpoint.with_suffix(".features.h5")]
    return [["extract-features", given["captions"], "--images", "IMAGE_FOLDER", "--encoder", checkpoint, *features]]


def _train_mle(given: Given, features: Path) -> list[Words]:
    if "shard" in given and features != Path(given.get("out", "features.h5")):
        return []  # other shards are missing
    start = ["--init-from", given["encoder"]] if "encoder" in given else []
    return [["train-mle", given["captions"], features, *start, *_out_beside(features, "mle.pt")]]


def _train_cl(given: Given, checkpoint: Path) -> list[Words]:
    return [["train-cl", "--ref", checkpoint, "--k", 5]]


def _use_captioner(given: Given, checkpoint: Path) -> list[Words]:
    return [["caption", checkpoint], ["self-retrieve", checkpoint]]


def _measure_captions(given: Given, results: Path) -> list[Words]:
    """Self-retrieval of one caption for each image by one captioner; scores of any others."""
    checkpoints = _listed(given["checkpoints"])
    if given.get("images"):
        return []
    if len(checkpoints) > 1 or int(given.get("num_captions", 1)) > 1:
        return [["evaluate", results, *_repeated(given, "split")]]
    files = _repeated(given, "split", "captions", "features")
    return [["self-retrieve", *checkpoints, "--predictions", results, *files]]


def _score_people(given: Given, captions: Path) -> list[Words]:
    return [["evaluate", captions, "--references", references_path(captions)]]


def _evaluate(given: Given, retrieval: Path) -> list[Words]:
    """Scores of the captions that were ranked, where those of all images of the split were."""
    predictions = given.get("predictions")
    ours = predictions is None or _has_references(Path(predictions))
    if given.keys() & {"pool", "ranker"} or not ours:
        return [["report", retrieval]]
    if predictions is not None:
        return [["evaluate", predictions, "--retrieval", retrieval, *_repeated(given, "split")]]
    decoding = [field.name for field in fields(DecodingSettings)]
    options = _repeated(given, "split", "captions", "features", "seed", *decoding)
    return [["evaluate", given["checkpoint"], "--retrieval", retrieval, *options]]


def _has_references(predictions: Path) -> bool:
    """Whether captions record the captions.h5 with their references; those of image files come from none."""
    from clcap_cli.datasets.parsing import read_json

    with suppress(ClcapError):
        return not read_json(provenance_path(predictions))["settings"].get("images")
    return False


def _compare(given: Given, metrics: Path) -> list[Words]:
    other = _metrics_to_compare(metrics)
    files = [*([other] if other else []), metrics]
    return [*([["compare", *files]] if other else []), ["report", *files, *_listed(given.get("retrieval"))]]


def _metrics_to_compare(metrics: Path) -> Path | None:
    """Comparable metrics of another run in the folder: nt for nt_cl, otherwise those that were written last."""
    others = [path for path in metrics.parent.glob(f"*{METRICS}") if path.name != metrics.name]
    name = metrics.name.removesuffix(METRICS)
    other = max(
        others,
        key=lambda path: (
            len(stem) if name.startswith(stem := path.name.removesuffix(METRICS)) else 0,
            path.stat().st_mtime,
        ),
        default=None,
    )
    return other if other and _are_comparable(other, metrics) else None


def _are_comparable(first: Path, second: Path) -> bool:
    """Whether two metrics files share a value of the same images that was measured in the same way."""
    from clcap_cli.datasets.parsing import read_json
    from clcap_cli.metrics.signature import OF_DECODING, differing_parts

    with suppress(ClcapError):
        signatures, others = (read_json(path).get("signatures", {}) for path in (first, second))
        shared = [name for name in signatures if name in others]
        return any(
            all(key in OF_DECODING for key, _, _ in differing_parts(signatures[name], others[name])) for name in shared
        )
    return False


def _explain_demo(given: Given, folder: Path) -> list[Words]:
    return [["compare", *(folder / f"{name}{METRICS}" for name in ("aa", "aa_cl"))], ["show", folder / "aa_cl.pt"]]


FOLLOWING: Mapping[str, Callable[[Given, Path], list[Words]]] = {
    "make-scenes": _prepare_captions,
    "prepare-captions": _extract_features,
    "extract-features": _train_mle,
    "import-features": _train_mle,
    "import-captioner": _encode_images,
    "train-mle": _train_cl,
    "train-cl": _use_captioner,
    "swap-reference": _train_cl,
    "caption": _measure_captions,
    "leave-one-out": _score_people,
    "self-retrieve": _evaluate,
    "evaluate": _compare,
    "demo": _explain_demo,
}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _repeated(given: Given, *names: str) -> Words:
    """Options with the values that they have for this stage."""
    return [word for name in names if name in given for word in (f"--{name.replace('_', '-')}", given[name])]


def _out_beside(path: Path, name: str) -> Words:
    """The option --out, unless the output is in the current folder anyway."""
    return [] if path.parent == Path() else ["--out", path.with_name(name)]
