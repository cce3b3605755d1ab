"""train-mle: captions.h5 + features.h5 -> a captioner trained by maximum likelihood."""

from pathlib import Path
from typing import Annotated

import typer

from clcap_cli.console import say
from clcap_cli.stages.options import (
    BatchSize,
    Clip,
    Device,
    Epochs,
    LearningRate,
    MaxTokens,
    Out,
    Patience,
    Precision,
    Schedule,
    Seed,
    Threads,
)


def train_mle(
    captions: Annotated[Path, typer.Argument(help="captions.h5", show_default=False)],
    features: Annotated[Path, typer.Argument(help="features.h5", show_default=False)],
    model: Annotated[str, typer.Option(help="neuraltalk2 or adaptive-attention.")] = "neuraltalk2",
    out: Out = Path("mle.pt"),
    embedding: Annotated[int, typer.Option(min=1, help="Size of a word's vector.")] = 512,
    hidden: Annotated[int, typer.Option(min=1, help="Size of the LSTM's state.")] = 512,
    dropout: Annotated[float, typer.Option(min=0, max=0.99)] = 0.5,
    epochs: Epochs = 30,
    batch_size: BatchSize = 20,
    lr: LearningRate = 1e-3,
    schedule: Schedule = "cosine",
    clip: Clip = 0.1,
    patience: Patience = 5,
    max_tokens: MaxTokens = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
) -> Path:
    """Train a captioner by maximum likelihood, and keep the epoch with the best validation likelihood.

    A log with one line of JSON an epoch is written beside it.

    Example: clcap train-mle captions.h5 features.h5 --model neuraltalk2 --out nt.pt
    """
    settings = dict(locals())
    from clcap_cli.artifacts.atomic import check_writable, written_whole
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.checkpoints import Lineage, write_checkpoint
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.artifacts.inputs import check_images
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.devices import choose_device, make_reproducible
    from clcap_cli.models.captioner import CaptionerConfig
    from clcap_cli.models.registry import build_model
    from clcap_cli.precision import choose_precision
    from clcap_cli.random_streams import seed_torch
    from clcap_cli.threads import use_threads
    from clcap_cli.training.data import BatchSettings
    from clcap_cli.training.loop import TrainSettings, log_beside, train
    from clcap_cli.training.mle_task import MleTask

    spoken, seen = open_captions(captions), open_features(features)
    check_images(spoken, seen)
    origin = Origin("train-mle", settings)
    origin.uses("captions", spoken)
    origin.uses("features", seen)
    out = check_writable(out or Path("mle.pt"), origin.read)
    check_writable(log_beside(out))
    config = CaptionerConfig(
        vocabulary_size=len(spoken.vocabulary),
        max_length=spoken.max_length,
        pooled_channels=seen.backbone.pooled_channels,
        grid_channels=seen.backbone.grid_channels,
        embedding_size=embedding,
        hidden_size=hidden,
        dropout=dropout,
    )
    where = choose_device(device)
    settings["precision"] = chosen = choose_precision(precision, where)
    settings["threads"] = use_threads(threads)
    make_reproducible()
    seed_torch(seed, "initialisation")
    captioner = build_model(model, config).to(where)
    task = MleTask(captioner, spoken, seen, BatchSettings(batch_size, max_tokens), seed)
    say(f"{model}: {sum(p.numel() for p in captioner.parameters()):,} parameters, {len(task.captions)} images")
    seed_torch(seed, "dropout")
    with written_whole(log_beside(out)) as log:
        record = train(task, TrainSettings(epochs, lr, schedule, clip, patience, chosen), log)
        write_checkpoint(out, model, captioner, spoken.vocabulary, seen.backbone, record, Lineage(), origin)
    return out
