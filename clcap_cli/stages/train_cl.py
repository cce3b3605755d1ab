"""train-cl: a reference and a target -> a target whose captions tell images apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clcap_cli.console import say
from clcap_cli.stages.options import (
    BatchSize,
    CaptionsFile,
    Clip,
    Device,
    Epochs,
    FeaturesFile,
    LearningRate,
    MaxTokens,
    Out,
    Patience,
    Precision,
    Schedule,
    Seed,
)

if TYPE_CHECKING:
    from clcap_cli.training.contrastive_task import ContrastiveTask


def train_cl(
    ref: Annotated[Path, typer.Option(help="Reference model: a checkpoint; it never changes.", show_default=False)],
    k: Annotated[int, typer.Option(min=1, help="Sets of mismatched captions for each set of matched ones.")] = 5,
    target: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to start from; default: the reference's own weights.", show_default=False),
    ] = None,
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    ref_features: Annotated[
        Path | None, typer.Option(help="Reference's features.h5; default: the one in the chain.", show_default=False)
    ] = None,
    nu: Annotated[float, typer.Option(min=1e-6, help="ν, mismatched pairs to a matched one within a set.")] = 1.0,
    dropout: Annotated[float, typer.Option(min=0, max=0.99, help="In the target; the authors' is 0.5.")] = 0.0,
    epochs: Epochs = 5,
    batch_size: BatchSize = 20,
    lr: LearningRate = 1e-4,
    schedule: Schedule = "cosine",
    clip: Clip = 0.1,
    patience: Patience = 2,
    max_tokens: MaxTokens = None,
    precision: Precision = "fp32",
    seed: Seed = 0,
    device: Device = "auto",
) -> Path:
    """Train by contrastive learning: matched captions up, mismatched ones down, both relative to the reference.

    Captions, features, the target's start and the output's name follow from the reference. A log with one line of
    JSON an epoch is written beside the output. The epoch is kept whose captions find their images at the lowest mean
    rank, among 200 validation images at most.

    Example: clcap train-cl --ref nt.pt --k 5
    """
    settings = dict(locals())
    from dataclasses import replace

    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.checkpoints import open_checkpoint, write_checkpoint
    from clcap_cli.artifacts.inputs import captions_for, check_vocabulary, features_for
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.devices import choose_device, make_reproducible
    from clcap_cli.training.contrastive_task import ContrastiveTask, ModelOnFeatures
    from clcap_cli.training.data import BatchSettings
    from clcap_cli.training.loop import TrainSettings, log_beside, train

    start_path = target or ref
    reference, start = open_checkpoint(ref), open_checkpoint(start_path)
    out = check_writable(out or start_path.with_name(f"{start_path.stem}_cl.pt"))
    check_vocabulary(reference, start.vocabulary, start.path)
    spoken = captions_for(reference, captions)
    seen = features_for(start, spoken, features)
    if ref_features is None and target is None:
        ref_features = features
    ref_seen = features_for(reference, spoken, ref_features, "--ref-features")
    make_reproducible(seed)
    start = replace(start, config=replace(start.config, dropout=dropout))
    where = choose_device(device)
    learner = ModelOnFeatures(start.captioner(where), seen)
    fixed = ModelOnFeatures(reference.captioner(where), ref_seen)
    task = ContrastiveTask(spoken, learner, fixed, k, nu, BatchSettings(batch_size, max_tokens), seed)
    _report_start(task)
    record = train(task, TrainSettings(epochs, lr, schedule, clip, patience, precision), log_beside(out))
    origin = Origin("train-cl", settings)
    origin.uses("reference", reference)
    origin.uses("target", start)
    origin.uses("captions", spoken)
    origin.uses("features", seen)
    origin.uses("reference features", ref_seen)
    write_checkpoint(out, start.model, task.model, spoken.vocabulary, seen.backbone, record, reference.lineage, origin)
    return out


def _report_start(task: "ContrastiveTask") -> None:
    figures = task.starting_figures()
    shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
    say(f"before the first step: {shown} (equal models without dropout: loss 2 ln 2 = 1.3863)")
