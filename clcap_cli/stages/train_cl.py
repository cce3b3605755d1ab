"""train-cl: a reference and a target -> a target whose captions tell images apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from clcap_cli.compute import Compute
from clcap_cli.console import say
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option
from clcap_cli.stages.learning import NegativesName, ObjectiveName
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, Out, Seed
from clcap_cli.stages.stage import flattened, stage
from clcap_cli.training.settings import BatchSettings, Optimisation

if TYPE_CHECKING:
    from clcap_cli.training.reference_task import ReferenceTask


@stage
def train_cl(
    ref: Annotated[
        Path,
        Option("Reference model: a checkpoint; it never changes. Objectives without a reference start from it."),
    ],
    k: Annotated[
        int,
        Ge(1),
        Option(
            "Mismatched captions for each matched one; introspective: other images; adversarial: captions that "
            "the target says of each image."
        ),
    ] = 5,
    objective: Annotated[
        ObjectiveName,
        Option("What is learned: contrastive learning, its halves, or what the paper compares it with."),
    ] = "contrastive",
    target: Annotated[
        Path | None,
        Option("Checkpoint to start from; default: the reference's own weights."),
    ] = None,
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    ref_features: Annotated[Path | None, Option("Reference's features.h5; default: the one in the chain.")] = None,
    negatives: Annotated[
        NegativesName,
        Option("Of any other image, of one of the 20 images that look most like it, or half of each."),
    ] = "random",
    redraw_negatives: Annotated[
        bool | None,
        Option(
            "Draw them anew every epoch, or once; default: anew, introspective once.",
            "--redraw-negatives/--fix-negatives",
        ),
    ] = None,
    nu: Annotated[
        float | None,
        Ge(1e-6),
        Le(1e6),
        Option("ν, mismatched pairs to a matched one within a set; default: 1."),
    ] = None,
    beta: Annotated[
        float | None,
        Ge(1e-6),
        Le(1e6),
        Option("dpo's β, how much a nat of G counts; default: 0.1."),
    ] = None,
    evaluator: Annotated[
        Path | None,
        Option("adversarial's *.evaluator.pt to go on with; default: a new one."),
    ] = None,
    no_cache: Annotated[
        bool,
        Option("Do not keep the reference's ln p of pairs that come again beside it.", "--no-cache"),
    ] = False,
    dropout: Annotated[float, Ge(0), Le(0.99), Option("In the target; the authors' is 0.5.")] = 0.0,
    seed: Seed = 0,
    optimisation: Optimisation = Optimisation(epochs=5, select_by="mean-rank", lr=1e-4, patience=2),
    batch: BatchSettings = BatchSettings(),
    compute: Compute = Compute(),
) -> Path:
    """Train by contrastive learning: matched captions up, mismatched ones down, both relative to the reference.

    Captions, features, the target's start and the output's name follow from the reference. A log with one line of JSON
    a validation is written beside the output. By default the checkpoint is kept whose captions find their images at the
    lowest mean rank, among 200 validation images at most; the start is measured and never kept. Other objectives:
    positives-only and negatives-only, contrastive learning's halves; introspective, a caption with its image against
    the same with others; adversarial, a captioner against an evaluator that learns to tell its captions from people's;
    dpo, direct preference optimisation.

    Example: clcap train-cl --ref nt.pt --k 5
    """
    settings = flattened(locals())
    from dataclasses import replace

    from clcap_cli.artifacts.atomic import check_writable, together, written_whole
    from clcap_cli.artifacts.checkpoints import open_checkpoint, write_checkpoint
    from clcap_cli.artifacts.evaluators import evaluator_beside, write_evaluator
    from clcap_cli.artifacts.inputs import captions_for, check_tokenizer, features_for
    from clcap_cli.artifacts.kept import REFERENCE, KeptArrays, log_probs_beside
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.devices import make_reproducible
    from clcap_cli.models.registry import with_dropout
    from clcap_cli.precision import choose_precision
    from clcap_cli.random_streams import seed_torch
    from clcap_cli.stages.learning import (
        AGAINST_REFERENCE,
        SUFFIXES,
        against_reference,
        check_options,
        evaluator_for,
        sampler_of,
    )
    from clcap_cli.threads import threads_in_use
    from clcap_cli.training.adversarial_task import AdversarialTask
    from clcap_cli.training.data import CaptionSplit
    from clcap_cli.training.introspective_task import IntrospectiveTask
    from clcap_cli.training.loop import log_beside, train
    from clcap_cli.training.pairs import ModelOnFeatures
    from clcap_cli.training.reference_task import ReferenceTask
    from clcap_cli.training.task import Task

    check_options(objective, settings)
    if objective == "adversarial" and optimisation.select_by == "loss":
        raise InvalidValueError(
            "select_by", "the loss of --objective adversarial changes with its evaluator; give mean-rank or cider"
        )
    start_path = target or ref
    reference, start = open_checkpoint(ref), open_checkpoint(start_path)
    check_tokenizer(reference, start.tokenizer, start.path)
    spoken = captions_for(reference, captions)
    seen = features_for(start, spoken, features)
    origin = Origin("train-cl", settings)
    origin.uses("target", start)
    origin.uses("captions", spoken)
    origin.uses("features", seen)
    skipped = seen.skipped
    if objective in AGAINST_REFERENCE:
        if ref_features is None and target is None:
            ref_features = features
        ref_seen = features_for(reference, spoken, ref_features, "--ref-features")
        origin.uses("reference", reference)
        origin.uses("reference features", ref_seen)
        skipped = [*skipped, *ref_seen.skipped]
    out = check_writable(out or start_path.with_name(f"{start_path.stem}_{SUFFIXES[objective]}.pt"), origin.read)
    check_writable(log_beside(out))
    where = compute.start()
    optimisation = optimisation.resolved(choose_precision(optimisation.precision, where))
    settings |= {**vars(optimisation), "threads": threads_in_use()}
    make_reproducible()
    seed_torch(seed, "initialisation")
    start = replace(start, config=with_dropout(start.config, dropout))
    learner = ModelOnFeatures(start.captioner(where), seen)
    longest = min(start.config.max_length, reference.config.max_length)
    split, val = (CaptionSplit(spoken, name, where, skipped, start.tokenizer, longest) for name in ("train", "val"))
    sampler = sampler_of(split, spoken, seen, negatives)
    task: Task
    if objective in AGAINST_REFERENCE:
        fixed = ModelOnFeatures(reference.captioner(where), ref_seen)
        learned = against_reference(objective, nu, beta)
        task = ReferenceTask(sampler, val, learner, fixed, learned, k, redraw_negatives is not False, batch, seed)
        if not no_cache:
            known = Origin("train-cl", {})
            for role, artifact in (("reference", reference), ("captions", spoken), ("reference features", ref_seen)):
                known.uses(role, artifact)
            task.remember(KeptArrays(log_probs_beside(ref), REFERENCE, known), optimisation.precision)
        _report_start(task, optimisation.precision)
    elif objective == "introspective":
        task = IntrospectiveTask(sampler, val, learner, k, redraw_negatives is True, batch, seed)
    else:
        critic = evaluator_for(start, evaluator, where, origin)
        check_writable(evaluator_beside(out), origin.read)
        task = AdversarialTask(sampler, val, learner, critic, k, batch, seed, warm=evaluator is not None)
        task.warm_up()
    seed_torch(seed, "dropout")
    with written_whole(log_beside(out)) as log:
        record = train(task, optimisation, log)
        shared = start.tokenizer, seen.backbone, record
        with together():
            if isinstance(task, AdversarialTask):
                write_evaluator(evaluator_beside(out), task.evaluator, *shared, origin)
            write_checkpoint(out, start.model, task.model, *shared, reference.lineage, origin)
    if sampler.avoided:
        say(
            f"negatives: {sampler.drawn} drawn; {sampler.avoided} times one read like a caption of the image itself "
            "and was drawn again"
        )
    return out


def _report_start(task: "ReferenceTask", precision: Literal["auto", "fp32", "bf16"]) -> None:
    figures = task.starting_figures(precision)
    shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
    equal = task.loss_of_equal_models()
    say(f"before the first step: {shown} (equal models without dropout: loss {equal:.4f})")
