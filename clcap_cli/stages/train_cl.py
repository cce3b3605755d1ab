"""train-cl: a reference and a target -> a target with distinctive captions."""

from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.objectives.registry import CONDITIONAL_OPTIONS, check_options, check_selection, configure_objective
from clcap_cli.objectives.settings import OBJECTIVE_SETTINGS, PANEL, given_options, summaries
from clcap_cli.options import Option
from clcap_cli.registry import import_object
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, NegativesName, Out, ReferenceFeaturesFile, Seed
from clcap_cli.stages.stage import flattened, not_default, stage
from clcap_cli.training.settings import BatchSettings, Optimisation


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
    objective: Annotated[str, Option(f"What is learned. {summaries()}", panel=PANEL)] = "contrastive",
    target: Annotated[
        Path | None,
        Option("Checkpoint to start from; default: the reference's own weights."),
    ] = None,
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    ref_features: ReferenceFeaturesFile = None,
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
    discriminator: Annotated[
        Path | None,
        Option("adversarial's *.discriminator.pt to go on with; default: a new one."),
    ] = None,
    no_cache: Annotated[
        bool,
        Option("Do not keep the reference's ln p of pairs that come again beside it.", "--no-cache"),
    ] = False,
    dropout: Annotated[float, Ge(0), Le(0.99), Option("In the target; the authors' is 0.5.")] = 0.0,
    seed: Seed = 0,
    options: Any = OBJECTIVE_SETTINGS,
    optimisation: Optimisation = Optimisation(epochs=5, select_by="mean-rank", lr=1e-4, patience=2),
    batch: BatchSettings = BatchSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Train by contrastive learning: matched captions up, mismatched ones down, both relative to the reference.

    Captions, features, the target's start and the output's name follow from the reference. A log with one line of JSON
    a validation is written beside the output. By default the checkpoint is kept whose captions find their images at the
    lowest mean rank, among 200 validation images at most; the start is measured and never kept. docs/objectives.md has
    the formulas of contrastive learning and of the other objectives.

    Example: clcap train-cl --ref nt.pt --k 5
    """
    settings = flattened(locals())
    configured = configure_objective(objective, given_options(options))
    check_options(objective, [option for option in not_default(train_cl, settings) if option in CONDITIONAL_OPTIONS])
    check_selection(configured, objective, optimisation.select_by)
    from clcap_cli.artifacts.atomic import all_or_nothing, atomic_write, check_writable
    from clcap_cli.artifacts.checkpoints import write_checkpoint
    from clcap_cli.artifacts.discriminators import discriminator_path, write_discriminator
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.compute.random_streams import seed_torch
    from clcap_cli.stages.train_cl_inputs import discriminator_for, negative_sampler, open_files
    from clcap_cli.stages.training_setup import start_training
    from clcap_cli.training.loop import log_path, train
    from clcap_cli.training.task_inputs import ObjectiveTask, TaskInputs

    origin = Origin("train-cl", settings)
    opened = open_files(ref, target, captions, features, ref_features, configured.needs_reference, origin)
    start = opened.start
    out = check_writable(out or start.path.with_name(f"{start.path.stem}_{configured.suffix}.pt"), origin.input_paths)
    check_writable(log_path(out))
    device, optimisation = start_training(compute, optimisation, seed, settings)
    model = opened.target_model(dropout, device)
    split, val = (opened.split(name, device) for name in ("train", "val"))
    sampler = negative_sampler(split, opened.captions, opened.features, negatives)
    reference, cache = opened.reference_model(device), None if no_cache else opened.reference_cache()
    network = discriminator_for(start, discriminator, device, origin) if configured.has_discriminator else None
    if network:
        check_writable(discriminator_path(out), origin.input_paths)
    redraw = bool(configured.redraws_negatives if redraw_negatives is None else redraw_negatives)
    inputs = TaskInputs(
        negatives=sampler,
        val=val,
        target=model,
        k=k,
        batch=batch,
        seed=seed,
        redraw=redraw,
        reference=reference,
        cache=cache,
        precision=optimisation.precision,
        discriminator=network,
        discriminator_is_trained=discriminator is not None,
    )
    task: ObjectiveTask = import_object(configured.task)(configured, inputs)
    task.prepare()
    seed_torch(seed, "dropout")
    with atomic_write(log_path(out)) as log:
        record = train(task, optimisation, log)
        shared = start.tokenizer, opened.features.backbone, record
        with all_or_nothing():
            if network:
                write_discriminator(discriminator_path(out), network, *shared, origin)
            write_checkpoint(out, start.model, task.model, *shared, opened.reference.lineage, origin)
    sampler.report()
    return out
