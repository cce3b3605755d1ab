"""train-cl: a reference and a target -> a target with distinctive captions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from clcap_cli.artifacts.preconditions import CHECKPOINT_FILE, InputCheckpoint
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.errors import InvalidValueError
from clcap_cli.objectives.registry import CONDITIONAL_OPTIONS, check_options, check_selection, configure_objective
from clcap_cli.objectives.settings import OBJECTIVE_SETTINGS, given_options, summaries
from clcap_cli.options import Option, Panel
from clcap_cli.registry import NameIn, import_object
from clcap_cli.stages.options import (
    NegativesName,
    ReferenceCaptionsFile,
    ReferenceFeaturesFile,
    Seed,
    TargetFeaturesFile,
    output,
)
from clcap_cli.stages.stage import flattened, not_default, stage_with
from clcap_cli.training.picture_settings import PictureSettings, check_picture_options
from clcap_cli.training.run_settings import RunSettings
from clcap_cli.training.settings import BatchSettings, FineTuning, Optimisation

MAX_POOL = 1000
"""Maximum size of a negative pool: about 1 GB for the 113,000 training images of COCO, with 8 bytes for each pair."""


def _check_objective(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for an option that the objective does not take."""
    objective_config = configure_objective(given["objective"], given_options(given["options"]))
    settings = {one.name: one.default for one in train_cl.parameters} | flattened(given)
    check_picture_options(given)
    if given["reference_pool"] is not None and given["pictures"].are_used and given["pictures"].views_vary:
        raise InvalidValueError(
            "reference_pool", "the pools are scored once, but the views of pictures vary; give --no-augment"
        )
    conditional = [option for option in not_default(train_cl, settings) if option in CONDITIONAL_OPTIONS]
    check_options(given["objective"], conditional)
    check_selection(objective_config, given["objective"], given["optimisation"].select_by)
    _check_pool(given["reference_pool"], given["k"], given["redraw_negatives"])


def _check_pool(size: int | None, k: int, redraw_negatives: bool | None) -> None:
    """Raise InvalidValueError for a negative pool that is too small or is not drawn from."""
    if size is None:
        return
    if size < k:
        raise InvalidValueError(
            "reference_pool", f"{size} is less than --k {k}, the number of negatives drawn from it; give at least {k}"
        )
    if redraw_negatives is False:
        raise InvalidValueError(
            "reference_pool",
            "with --fix-negatives, negatives are drawn and scored only once; give one of the two",
        )


@stage_with(_check_objective, is_distributed=True)
def train_cl(
    ref: Annotated[
        Path,
        InputCheckpoint(),
        Option(
            "Checkpoint of the reference model, which stays frozen; for objectives without one, the initial weights."
        ),
    ],
    k: Annotated[
        int,
        Ge(1),
        Option(
            "Number of mismatched captions per matched caption (introspective: of mismatched images per image; "
            "adversarial: of sampled captions per image).",
            Panel.OBJECTIVE,
        ),
    ] = 5,
    objective: Annotated[
        str,
        NameIn("clcap_cli.objectives.registry:OBJECTIVES"),
        Option(f"Training objective. {summaries()}", Panel.OBJECTIVE),
    ] = "contrastive",
    target: Annotated[
        Path | None,
        InputCheckpoint(),
        Option("Checkpoint from which the target starts.", default="the reference"),
    ] = None,
    out: Annotated[Path | None, CHECKPOINT_FILE, output("named after target and objective, such as nt_cl.pt")] = None,
    captions: ReferenceCaptionsFile = None,
    features: TargetFeaturesFile = None,
    ref_features: ReferenceFeaturesFile = None,
    negatives: Annotated[
        NegativesName,
        Option(
            "Source of mismatched captions: all other images, the 20 images with the most similar features, or half "
            "from each."
        ),
    ] = "random",
    redraw_negatives: Annotated[
        bool | None,
        Option(
            "Draw new negatives in every epoch, or draw them once before training.",
            default="redrawn; fixed for introspective",
            name="--redraw-negatives/--fix-negatives",
        ),
    ] = None,
    reference_pool: Annotated[
        int | None,
        Ge(1),
        Le(MAX_POOL),
        Option(
            "Draw negatives from a fixed pool of this many mismatched captions for each image; the reference scores "
            "the pools once, before training.",
            Panel.OBJECTIVE,
            "negatives are drawn from all captions",
        ),
    ] = None,
    discriminator: Annotated[
        Path | None,
        InputCheckpoint(),
        Option("Checkpoint from which the discriminator starts (adversarial).", Panel.OBJECTIVE, "a new discriminator"),
    ] = None,
    no_cache: Annotated[
        bool,
        Option(
            "Do not cache the reference model's log-probabilities in a file next to its checkpoint.",
            Panel.COMPUTATION,
            name="--no-cache",
        ),
    ] = False,
    dropout: Annotated[
        float, Ge(0), Le(0.99), Option("Dropout rate of the target; the paper's authors use 0.5.", Panel.MODEL)
    ] = 0.0,
    seed: Seed = 0,
    fine_tuning: FineTuning = FineTuning(),
    options: Any = OBJECTIVE_SETTINGS,
    optimisation: Optimisation = Optimisation(epochs=5, select_by="mean-rank", lr=1e-4, patience=2),
    batch: BatchSettings = BatchSettings(),
    pictures: PictureSettings = PictureSettings(),
    saving: RunSettings = RunSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Fine-tune a captioner to write distinctive captions.

    Contrastive learning, the default objective, raises the probability of matched captions and lowers that of
    mismatched ones, both relative to a frozen reference model. By default, the captions.h5 and features.h5 that the
    reference was trained on are used. The best checkpoint of the training is written: by default the one with the
    lowest mean rank in self-retrieval among at most 200 validation images. A log with one line of JSON for each
    validation is written beside it. While the training is unfinished, its state and the best checkpoint so far are
    beside it too. With --train-encoder, the target's image encoder is trained too; the reference keeps its own.
    docs/objectives.md has the formulas of all objectives.

    Example: clcap train-cl --ref nt.pt --k 5
    """
    settings = flattened(locals(), without="saving")
    objective_config = configure_objective(objective, given_options(options))
    from clcap_cli.artifacts.checkpoints import write_checkpoint
    from clcap_cli.artifacts.discriminators import discriminator_path, write_discriminator
    from clcap_cli.artifacts.provenance import BASE, Origin
    from clcap_cli.compute.divided_model import whole
    from clcap_cli.features.pixel_captioner import captioner_in
    from clcap_cli.features.saved_encoder import encoder_to_write
    from clcap_cli.stages.train_cl_inputs import (
        TrainingPaths,
        make_discriminator,
        make_negative_sampler,
        open_discriminator_for,
        open_files,
    )
    from clcap_cli.stages.training_features import TrainingPictures, record_folders
    from clcap_cli.stages.training_setup import divide_over_processes, find_run, start_training
    from clcap_cli.training.task_inputs import ObjectiveTask, TaskInputs
    from clcap_cli.training.worse import check_not_worse

    origin = Origin("train-cl", settings)
    paths = TrainingPaths(ref, target, captions, features, ref_features)
    opened = open_files(paths, pictures, seed, objective_config.needs_reference, origin)
    start = opened.start
    if fine_tuning.is_partial:
        origin.add_input(BASE, start.base or start)
    saved_discriminator = open_discriminator_for(start, discriminator, origin)
    out = out or start.path.with_name(f"{start.path.stem}_{objective_config.suffix}.pt")
    record_folders(settings, TrainingPictures(pictures, opened.captions, seed), [start], out)
    run = find_run(
        train_cl, out, origin, saving, objective_config.has_discriminator, objective_config.has_comparable_loss
    )
    if run.is_finished:
        return out
    device, optimisation = start_training(compute, optimisation, seed, settings, run)
    model = opened.target_model(dropout, fine_tuning, device)
    split, val = (opened.split(name, device) for name in ("train", "val"))
    negative_sampler = make_negative_sampler(split, opened.captions, model, negatives)
    reference, cache = opened.reference_model(model.model, device), None if no_cache else opened.reference_cache()
    if saving.fsdp:
        divide_over_processes(model.model)
    discriminator_model = (
        make_discriminator(start, saved_discriminator, device) if objective_config.has_discriminator else None
    )
    redraw = bool(objective_config.redraws_negatives if redraw_negatives is None else redraw_negatives)
    inputs = TaskInputs(
        negatives=negative_sampler,
        val=val,
        target=model,
        k=k,
        batch=batch,
        seed=seed,
        redraw=redraw,
        negative_pool_size=reference_pool,
        reference=reference,
        cache=cache,
        precision=optimisation.precision,
        discriminator=discriminator_model,
        discriminator_is_trained=discriminator is not None,
    )
    task: ObjectiveTask = import_object(objective_config.task)(objective_config, inputs)
    with negative_sampler.uncounted():
        if run.preflight(task, optimisation, task.before_steps):
            return out
    task.prepare()
    if run.state is None:
        with whole(task.model):
            task.warm_up()

    def write(path: Path, record: dict[str, Any]) -> None:
        info, encoder = encoder_to_write(task.model, opened.features, start.encoder)
        shared = start.tokenizer, info, record
        if discriminator_model:
            write_discriminator(discriminator_path(path), discriminator_model, *shared, origin)
        base = start.base_for(captioner_in(task.model)) if fine_tuning.is_partial else None
        lineage = opened.reference.lineage
        write_checkpoint(path, start.model, captioner_in(task.model), *shared, lineage, origin, encoder, base)

    record = run.train(task, optimisation, seed, write)
    negative_sampler.report(run.state.place if run.state else "")
    check_not_worse(record, out)
    return out
