"""Training tasks on the shared chain."""

from dataclasses import replace
from pathlib import Path

import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.compatibility import captions_for, features_for
from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig
from clcap_cli.objectives.adversarial import Adversarial
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.introspective import Introspective
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.training.adversarial_task import AdversarialTask
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.introspective_task import IntrospectiveTask
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.pair_task import PairTask
from clcap_cli.training.reference import ModelWithFeatures
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task_inputs import TaskInputs

CPU = torch.device("cpu")
SIX_IMAGES = BatchSettings(6, None)


def model_with_features(folder: Path, name: str, dropout: float = 0.0) -> ModelWithFeatures:
    start = open_checkpoint(folder / name)
    start = replace(start, config=replace(start.config, dropout=dropout))
    return ModelWithFeatures(start.captioner(CPU), features_for(start, captions_for(start, None), None))


def split_of(folder: Path, name: str) -> CaptionSplit:
    return CaptionSplit(captions_for(open_checkpoint(folder / "nt.pt"), None), name, CPU)


def pair_task(
    folder: Path,
    target: str = "nt.pt",
    reference: str = "nt.pt",
    dropout: float = 0.0,
    objective: PairObjective | None = None,
    k: int = 3,
    redraw: bool = True,
    settings: BatchSettings = SIX_IMAGES,
    negative_pool_size: int | None = None,
) -> PairTask:
    sampler, val = NegativeSampler(split_of(folder, "train")), split_of(folder, "val")
    learned = objective or Contrastive()
    fixed = model_with_features(folder, reference) if learned.needs_reference else None
    made = model_with_features(folder, target, dropout)
    inputs = TaskInputs(
        sampler, val, made, k, settings, seed=0, redraw=redraw, negative_pool_size=negative_pool_size, reference=fixed
    )
    return PairTask(learned, inputs)


def mle_task(
    folder: Path, target: str = "nt.pt", dropout: float = 0.0, settings: BatchSettings = SIX_IMAGES
) -> MleTask:
    made = model_with_features(folder, target, dropout)
    return MleTask(made.model, split_of(folder, "train"), split_of(folder, "val"), made.features, settings, seed=0)


def adversarial_task(
    folder: Path,
    target: str = "nt.pt",
    dropout: float = 0.0,
    k: int = 3,
    seed: int = 0,
    discriminator_is_trained: bool = False,
    mle_weight: float = 0.0,
) -> AdversarialTask:
    torch.manual_seed(seed)
    made, negatives = model_with_features(folder, target, dropout), NegativeSampler(split_of(folder, "train"))
    words, channels = len(negatives.split.tokenizer), made.features.backbone.pooled_channels
    discriminator = Discriminator(DiscriminatorConfig(words, channels, 24, 32))
    val = split_of(folder, "val")
    inputs = TaskInputs(
        negatives,
        val,
        made,
        k,
        SIX_IMAGES,
        seed,
        discriminator=discriminator,
        discriminator_is_trained=discriminator_is_trained,
    )
    return AdversarialTask(Adversarial(mle_weight), inputs)


def introspective_task(
    folder: Path,
    target: str = "nt.pt",
    redraw: bool = False,
    settings: BatchSettings = SIX_IMAGES,
    mle_weight: float = 0.0,
) -> IntrospectiveTask:
    sampler, val = NegativeSampler(split_of(folder, "train")), split_of(folder, "val")
    inputs = TaskInputs(sampler, val, model_with_features(folder, target), 3, settings, seed=0, redraw=redraw)
    return IntrospectiveTask(Introspective(mle_weight), inputs)
