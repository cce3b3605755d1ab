"""doctor: checks whether the stages work on this machine."""

import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_result
from clcap_cli.errors import ClcapError
from clcap_cli.extras import OPTIONAL_PACKAGES, check_optional, is_installed
from clcap_cli.registry import Registry, import_object, package_label
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from clcap_cli.datasets.records import ImageId
    from clcap_cli.metrics.scoring import Scores

Check = Callable[[], str]
"""A check that returns a description of what it found, and raises an error if something does not work."""
GOLDEN_CAPTIONS: "dict[ImageId, list[str]]" = {
    1: ["a black dog runs through the grass"],
    2: ["two people sit on a bench"],
}
GOLDEN_REFERENCES: "dict[ImageId, list[str]]" = {
    1: ["a black dog is running through the green grass", "the dog runs in a field"],
    2: ["two people are sitting on a wooden bench", "a man and a woman on a bench"],
}
GOLDEN_SCORES = {
    "BLEU": {"BLEU-1": 0.854733},
    "METEOR": {"METEOR": 0.338415},
    "ROUGE_L": {"ROUGE_L": 0.714907},
    "CIDEr": {"CIDEr": 2.389417},
}
REGISTRIES = (
    "clcap_cli.models.registry:MODELS",
    "clcap_cli.objectives.registry:OBJECTIVES",
    "clcap_cli.metrics.registry:METRICS",
    "clcap_cli.features.backbone:BACKBONES",
    "clcap_cli.datasets.readers:READERS",
    "clcap_cli.segmentation.registry:SEGMENTERS",
    "clcap_cli.tracking.registry:TRACKERS",
)
"""The registries that packages can extend."""
ENOUGH_DISK = 2 * 2**30
"""Bytes that suffice for the demo and the features of a few thousand images."""


@stage
def doctor() -> None:
    """Check that clcap works on this machine.

    Every line says what works ("ok"), what does not work ("FAILED"), or what only some options need ("missing"), and
    what to do about it. Models and metrics are tested on small examples; installed plugins are listed. The exit status
    is 1 if something failed.

    Example: clcap doctor
    """
    import numpy  # noqa: F401  (before the thread starts, because two threads cannot import its parts at once)

    with ThreadPoolExecutor(1) as thread:
        checks = [*_builtin_checks(thread), *_extra_checks(), *_plugin_checks()]
        failed = sum(not _passes(subject, check) for subject, check in checks)
    if failed:
        raise ClcapError(f"{failed} of {len(checks)} checks failed")


class MissingOptionError(ClcapError):
    """Something that clcap works without, and what to do to have it."""


def _passes(subject: str, check: Check) -> bool:
    """Print the result of a check, and return whether everything that a stage needs works."""
    try:
        status, result = "ok", check()
    except MissingOptionError as error:
        status, result = "missing", str(error)
    except Exception as error:  # any failure on this machine is a result of the check
        status, result = "FAILED", _reason(error)
    print_result(f"{status:<7} {subject:<9} {result}")
    return status != "FAILED"


def _reason(error: Exception) -> str:
    """The reason of a failure in one line, and what to do where clcap's packages are broken."""
    if isinstance(error, ClcapError):
        return str(error)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    advice = "; reinstall this package with pip"
    return reason + advice if isinstance(error, ImportError) else reason


def _builtin_checks(thread: Executor) -> list[tuple[str, Check]]:
    """The checks of what clcap always needs; that of the scores takes longest, so ``thread`` starts it at once."""
    scores = thread.submit(_scores)
    return [
        ("software", _software),
        ("devices", _devices),
        ("precision", _precision),
        ("disk", _disk),
        ("java", _java),
        ("scores", scores.result),
        ("SPICE", _spice),
        ("backbone", _backbone),
        ("models", _models),
    ]


def _extra_checks() -> list[tuple[str, Check]]:
    """One check for each package that only some inputs and options need."""
    return [(package.extra, partial(_optional_package, module)) for module, package in OPTIONAL_PACKAGES.items()]


def _optional_package(module: str) -> str:
    package = OPTIONAL_PACKAGES[module]
    if not is_installed(module):
        raise MissingOptionError(f"{package.purpose}: to use it, {package.install_command}")
    check_optional(module)
    return package.purpose


def _plugin_checks() -> list[tuple[str, Check]]:
    """One check for each plugin of an installed package."""
    registries: list[Registry] = [import_object(place) for place in REGISTRIES]
    return [(registry.kind, partial(_plugin, registry, point)) for registry in registries for point in registry.plugins]


def _plugin(registry: Registry, point: "EntryPoint") -> str:
    registry.load(point)
    PLUGIN_CHECKS[registry.kind](point.name)
    return f"{point.name}, of the package {package_label(point)}"


def _software() -> str:
    import platform
    from importlib.metadata import version

    import torch

    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "timm", "h5py", "pycocoevalcap"))
    return f"Python {platform.python_version()}, {packages}; {torch.get_num_threads()} threads"


def _devices() -> str:
    import torch

    cuda = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    devices = cuda + (["Apple MPS"] if torch.backends.mps.is_available() else [])
    return ", ".join(devices) or "no GPU: everything runs on the CPU"


def _precision() -> str:
    from clcap_cli.compute.devices import choose_device
    from clcap_cli.compute.precision import bf16_obstacle

    device = choose_device("auto")
    obstacle = bf16_obstacle(device)
    return f"--precision auto is fp32 here: {obstacle}" if obstacle else f"--precision auto is bf16 on this {device}"


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free
    if free < ENOUGH_DISK:
        raise ClcapError(f"{free / 2**30:.1f} GiB free in this folder; an image takes about 125 KiB: free some space")
    return f"{free / 2**30:.0f} GiB free in this folder"


def _java() -> str:
    from clcap_cli.metrics.java_runtime import choose_java, java_version

    chosen = choose_java(shutil.which("java"))
    try:
        used = f"Java {java_version(chosen.path)} ({chosen.path})"
    except ValueError as error:
        raise ClcapError(f"{chosen.path} does not work: {error}; install Java 8 or newer") from error
    return f"{used}; {chosen.problem}" if chosen.problem else used


def _scores() -> str:
    scores = _golden_scores(GOLDEN_SCORES)
    for metric, expected in GOLDEN_SCORES.items():
        if metric in scores.not_scored:
            raise ClcapError(scores.not_scored[metric])
        for name, value in expected.items():
            if abs(scores.values[name] - value) > 1e-4:
                raise ClcapError(f"{name} of the golden example is {scores.values[name]}, not {value}")
    return f"{', '.join(GOLDEN_SCORES)}: a golden example gives the known values"


def _golden_scores(names: Iterable[str]) -> "Scores":
    from clcap_cli.metrics.bootstrap import draw_resamples
    from clcap_cli.metrics.registry import metric_named
    from clcap_cli.metrics.scoring import score_captions

    resamples = draw_resamples(len(GOLDEN_CAPTIONS), seed=0)
    return score_captions(GOLDEN_CAPTIONS, GOLDEN_REFERENCES, resamples, [metric_named(name) for name in names])


def _spice() -> str:
    from clcap_cli.metrics.spice import check_spice, models_folder

    try:
        folder = models_folder(None)
    except ClcapError as error:
        raise MissingOptionError(f"only this metric is not scored: {error}") from error
    check_spice(folder)
    return f"its program starts, with the models in {folder}"


def _backbone() -> str:
    import torch

    from clcap_cli.features.backbone import load_backbone
    from clcap_cli.features.default_backbone import DEFAULT_BACKBONE

    info = load_backbone(DEFAULT_BACKBONE, None, None, torch.device("cpu")).info
    return f"{info.name}, weights {info.weights_id} come with clcap"


def _models() -> str:
    from clcap_cli.hugging_face.folder import FAMILIES
    from clcap_cli.models.registry import MODELS

    names = [name for name in MODELS.builtin if name not in FAMILIES]  # import-captioner checks each pretrained one
    for name in names:
        _check_model(name)
    return f"{', '.join(names)}: ln p of a caption is the sum over its words"


def _check_model(name: str) -> None:
    import torch

    from clcap_cli.models.registry import build_model, configure
    from clcap_cli.models.rows import ImageFeatures

    torch.manual_seed(0)
    sizes = {"vocabulary_size": 20, "start_token": 20, "end_token": 0, "max_length": 3}
    channels = {"pooled_channels": 8, "grid_channels": 8}
    features = ImageFeatures(torch.randn(1, 8), torch.randn(1, 4, 8))
    caption, image_index = torch.tensor([[3, 4, 5]]), torch.tensor([0])
    model = build_model(name, configure(name, sizes | channels, {})).eval()
    with torch.inference_mode():
        encoded = model.encode(features)
        whole = model.sequence_log_prob(encoded, caption, torch.tensor([3]), image_index)
        state, last, total = model.initial_state(encoded), torch.tensor([model.config.start_token]), 0.0
        for token in (3, 4, 5, 0):
            log_probs, state = model.step(encoded, image_index, state, last)
            total, last = total + float(log_probs[0, token]), torch.tensor([token])
    if abs(float(whole) - total) > 1e-4:
        raise ClcapError(f"{name}: ln p of a caption is not the sum over its words")


def _check_objective(name: str) -> None:
    from clcap_cli.objectives.registry import configure_objective

    objective = configure_objective(name, {})
    import_object(objective.task)
    if not re.fullmatch("[a-z0-9_]+", objective.suffix):
        raise ClcapError(f"{name}: its suffix '{objective.suffix}' must be lower-case letters, digits and _")


def _check_metric(name: str) -> None:
    from clcap_cli.metrics.registry import metric_named

    scores = _golden_scores([*metric_named(name).needs, name])
    if name in scores.not_scored:
        raise ClcapError(scores.not_scored[name])


def _check_backbone(name: str) -> None:
    import torch

    from clcap_cli.features.backbone import load_backbone

    load_backbone(name, "random", None, torch.device("cpu"))


def _check_reader(name: str) -> None:
    from clcap_cli.datasets.readers import get_reader

    get_reader(name)


def _check_segmenter(name: str) -> None:
    from clcap_cli.segmentation.registry import open_segmenter

    segmenter = open_segmenter(name)
    segmenter.join(segmenter.split("a dog runs"))


def _check_tracker(name: str) -> None:
    from clcap_cli.tracking.registry import TRACKERS

    if missing := sorted(TRACKERS.get(name).__abstractmethods__):
        raise ClcapError(f"{name}: the tracker has no {' and no '.join(missing)}")


PLUGIN_CHECKS: dict[str, Callable[[str], None]] = {
    "model": _check_model,
    "objective": _check_objective,
    "metric": _check_metric,
    "backbone": _check_backbone,
    "format of captions": _check_reader,
    "segmentation": _check_segmenter,
    "tracker": _check_tracker,
}
