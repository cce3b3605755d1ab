"""What train-cl can learn: the options that each objective has, and the task that it makes of the opened files."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from clcap_cli.console import watching
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.artifacts.checkpoints import Checkpoint
    from clcap_cli.artifacts.features import Features
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.models.evaluator import Evaluator
    from clcap_cli.objectives.against_reference import Objective
    from clcap_cli.training.data import CaptionSplit
    from clcap_cli.training.negatives import NegativeSampler

ObjectiveName = Literal["contrastive", "positives-only", "negatives-only", "introspective", "adversarial", "dpo"]
NegativesName = Literal["random", "similar", "mixed"]

SUFFIXES: dict[ObjectiveName, str] = {
    "contrastive": "cl",
    "positives-only": "positives_only",
    "negatives-only": "negatives_only",
    "introspective": "il",
    "adversarial": "gan",
    "dpo": "dpo",
}
"""What the output's name ends in."""
AGAINST_REFERENCE = ("contrastive", "positives-only", "negatives-only", "dpo")
DRAWN_ONCE_OR_ANEW = ("contrastive", "negatives-only", "introspective", "dpo")
OPTIONS = {
    "nu": ("contrastive", "positives-only", "negatives-only"),
    "beta": ("dpo",),
    "negatives": ("contrastive", "negatives-only", "introspective", "adversarial", "dpo"),
    "redraw_negatives": DRAWN_ONCE_OR_ANEW,
    "fix_negatives": DRAWN_ONCE_OR_ANEW,
    "ref_features": AGAINST_REFERENCE,
    "no_cache": AGAINST_REFERENCE,
    "evaluator": ("adversarial",),
    "max_tokens": ("contrastive", "positives-only", "negatives-only", "introspective", "dpo"),
}
"""Options that not every objective has."""
NOT_GIVEN = (None, False, "random")
SHARE_SIMILAR: dict[NegativesName, float] = {"random": 0.0, "similar": 1.0, "mixed": 0.5}
MOST_SIMILAR = 20
"""Images whose captions are an image's similar negatives."""


def check_options(objective: ObjectiveName, given: Mapping[str, Any]) -> None:
    """Raise ClcapError for an option that this objective does not have."""
    named = {**given, "redraw_negatives": given["redraw_negatives"] is True}
    named["fix_negatives"] = given["redraw_negatives"] is False
    for name, objectives in OPTIONS.items():
        if named[name] not in NOT_GIVEN and objective not in objectives:
            option = "--" + name.replace("_", "-")
            raise ClcapError(f"{option} means nothing to --objective {objective}; it is for {', '.join(objectives)}")


def against_reference(name: ObjectiveName, nu: float | None, beta: float | None) -> "Objective":
    """The objective of this name, one of those that have a reference."""
    from clcap_cli.objectives.contrastive import Contrastive
    from clcap_cli.objectives.dpo import DPO
    from clcap_cli.objectives.negatives_only import NegativesOnly
    from clcap_cli.objectives.positives_only import PositivesOnly

    if name == "dpo":
        return DPO() if beta is None else DPO(beta)
    kinds: dict[str, Callable[..., Objective]] = {
        "contrastive": Contrastive,
        "positives-only": PositivesOnly,
        "negatives-only": NegativesOnly,
    }
    return kinds[name]() if nu is None else kinds[name](nu)


def sampler_of(
    split: "CaptionSplit", captions: "Captions", features: "Features", negatives: NegativesName
) -> "NegativeSampler":
    """What draws a split's negatives; which images are similar is computed once and kept beside ``features``."""
    from clcap_cli.artifacts.kept import NEIGHBOURS, KeptArrays, neighbours_beside
    from clcap_cli.artifacts.provenance import Origin, digest
    from clcap_cli.retrieval.nearest import nearest_images
    from clcap_cli.training.negatives import NegativeSampler

    if negatives == "random":
        return NegativeSampler(split)
    origin = Origin("train-cl", {"nearest": MOST_SIMILAR})
    origin.uses("features", features)
    origin.uses("captions", captions)
    kept = KeptArrays(neighbours_beside(features.path), NEIGHBOURS, origin)

    def compute() -> "np.ndarray":
        pooled = features.pooled_at(features.rows_of(split.ids))
        return nearest_images(pooled, MOST_SIMILAR, watching("similar images, blocks"))

    def fits(nearest: "np.ndarray") -> bool:
        images = len(split)
        inside = ((nearest >= 0) & (nearest < images)).all()
        return bool(inside) and (nearest.dtype, nearest.shape) == ("int32", (images, min(MOST_SIMILAR, images - 1)))

    nearest = kept.get(digest([split.rows.tobytes()]), compute, fits)
    return NegativeSampler(split, nearest, SHARE_SIMILAR[negatives])


def evaluator_for(start: "Checkpoint", given: "Path | None", device: "torch.device", origin: "Origin") -> "Evaluator":
    """A new evaluator of the captioner's captions, or the one that is ``given``.

    Raises ClcapError when that one is of another vocabulary or backbone.
    """
    from clcap_cli.artifacts.evaluators import open_evaluator
    from clcap_cli.artifacts.inputs import check_backbone, check_vocabulary
    from clcap_cli.models.evaluator import Evaluator, EvaluatorConfig

    if given is None:
        return Evaluator(EvaluatorConfig(start.config.vocabulary_size, start.config.pooled_channels)).to(device)
    saved = open_evaluator(given)
    check_vocabulary(start, saved.vocabulary, given)
    check_backbone(start, saved.backbone, str(given))
    origin.uses("evaluator", saved)
    return saved.evaluator(device)
