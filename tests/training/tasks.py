"""Tasks on the tiny chain."""

from dataclasses import replace
from pathlib import Path

import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.inputs import captions_for, features_for
from clcap_cli.models.evaluator import Evaluator, EvaluatorConfig
from clcap_cli.objectives.against_reference import Objective
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.training.adversarial_task import AdversarialTask
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.introspective_task import IntrospectiveTask
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.pairs import ModelOnFeatures
from clcap_cli.training.reference_task import ReferenceTask
from clcap_cli.training.settings import BatchSettings

CPU = torch.device("cpu")
SIX = BatchSettings(6, None)


def player(folder: Path, name: str, dropout: float = 0.0) -> ModelOnFeatures:
    start = open_checkpoint(folder / name)
    start = replace(start, config=replace(start.config, dropout=dropout))
    return ModelOnFeatures(start.captioner(CPU), features_for(start, captions_for(start, None), None))


def split_of(folder: Path, name: str) -> CaptionSplit:
    return CaptionSplit(captions_for(open_checkpoint(folder / "nt.pt"), None), name, CPU)


def reference_task(
    folder: Path,
    target: str = "nt.pt",
    reference: str = "nt.pt",
    dropout: float = 0.0,
    objective: Objective | None = None,
    k: int = 3,
    redraw: bool = True,
    settings: BatchSettings = SIX,
) -> ReferenceTask:
    players = player(folder, target, dropout), player(folder, reference)
    sampler, val = NegativeSampler(split_of(folder, "train")), split_of(folder, "val")
    return ReferenceTask(sampler, val, *players, objective or Contrastive(), k, redraw, settings, seed=0)


def mle_task(folder: Path, target: str = "nt.pt", dropout: float = 0.0, settings: BatchSettings = SIX) -> MleTask:
    made = player(folder, target, dropout)
    return MleTask(made.model, split_of(folder, "train"), split_of(folder, "val"), made.features, settings, seed=0)


def adversarial_task(
    folder: Path, target: str = "nt.pt", dropout: float = 0.0, k: int = 3, seed: int = 0, warm: bool = False
) -> AdversarialTask:
    torch.manual_seed(seed)
    made, negatives = player(folder, target, dropout), NegativeSampler(split_of(folder, "train"))
    words, channels = len(negatives.split.tokenizer), made.features.backbone.pooled_channels
    evaluator = Evaluator(EvaluatorConfig(words, channels, 24, 32))
    return AdversarialTask(negatives, split_of(folder, "val"), made, evaluator, k, SIX, seed, warm)


def introspective_task(
    folder: Path, target: str = "nt.pt", redraw: bool = False, settings: BatchSettings = SIX
) -> IntrospectiveTask:
    sampler, val = NegativeSampler(split_of(folder, "train")), split_of(folder, "val")
    return IntrospectiveTask(sampler, val, player(folder, target), 3, redraw, settings, seed=0)
