"""train-mle: captions.h5 + features.h5 -> a captioner trained by maximum likelihood."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from clcap_cli.artifacts.preconditions import CAPTIONS, CHECKPOINT_FILE, FEATURES, InputCheckpoint
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info
from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import InvalidValueError
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.hugging_face.folder import FAMILIES
from clcap_cli.models.settings import ModelSettings
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import BACKBONE_HELP, ImageSize, Seed, output
from clcap_cli.stages.stage import flattened, stage_with
from clcap_cli.training.picture_settings import PictureSettings, check_picture_options
from clcap_cli.training.run_settings import RunSettings
from clcap_cli.training.settings import BatchSettings, FineTuning, Optimisation


def _check_features(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError if there are no features, and for options of pictures that are not used."""
    for name in ("lora", "train_layers"):
        if getattr(given["fine_tuning"], name) and not given["init_from"]:
            raise InvalidValueError(name, "trains only a part of the weights, so it needs --init-from with the others")
    chosen = given["model"].model
    if chosen in FAMILIES and not given["init_from"]:
        advice = "import one with clcap import-captioner, and give it with --init-from"
        raise InvalidValueError("model", f"{chosen} is only for pretrained captioners; {advice}")
    check_picture_options(given, ["backbone", "image_size"])
    if not given.get("captions"):  # the printed configuration of a command line that is not complete
        return
    has_encoder = given.get("features") or given["init_from"]
    if not has_encoder and not given["pictures"].images:
        raise InvalidValueError("features", "missing; give a features.h5, or pictures with --images")
    if not given.get("features") and not given["pictures"].are_used:
        raise InvalidValueError("features", "missing; give the features.h5 of --init-from, or pictures with --images")
    for name in ("backbone", "image_size"):
        if given[name] is not None and has_encoder:
            source = given["init_from"] or given["features"]
            raise InvalidValueError(name, f"{source} determines the encoder; give only one of the two")


@stage_with(_check_features, is_distributed=True)
def train_mle(
    captions: Annotated[Path, CAPTIONS, Argument("captions.h5 to train on.")],
    features: Annotated[
        Path | None, FEATURES, Argument("features.h5 of the same images; may be left out with --images.")
    ] = None,
    out: Annotated[Path, CHECKPOINT_FILE, output()] = Path("mle.pt"),
    init_from: Annotated[
        Path | None,
        InputCheckpoint(),
        Option("Checkpoint whose model, weights and tokenizer are trained on.", Panel.MODEL, "random weights"),
    ] = None,
    backbone: Annotated[
        str | None, Option(f"{BACKBONE_HELP} For --images.", Panel.MODEL, DEFAULT_BACKBONE, placeholder="NAME")
    ] = None,
    image_size: ImageSize = None,
    seed: Seed = 0,
    model: ModelSettings = ModelSettings(),
    fine_tuning: FineTuning = FineTuning(),
    optimisation: Optimisation = Optimisation(),
    batch: BatchSettings = BatchSettings(),
    pictures: PictureSettings = PictureSettings(),
    saving: RunSettings = RunSettings(),
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Train a captioner by maximum likelihood.

    The best checkpoint of the training is written: by default the one with the lowest validation loss. A log with one
    line of JSON for each validation is written beside it. While the training is unfinished, its state and the best
    checkpoint so far are beside it too.

    Example: clcap train-mle captions.h5 features.h5 --model neuraltalk2 --out nt.pt
    """
    settings = flattened(locals(), without="saving")
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.checkpoints import Lineage, open_checkpoint, write_checkpoint
    from clcap_cli.artifacts.compatibility import features_by_caption_ids
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.artifacts.provenance import BASE, Origin
    from clcap_cli.features.saved_encoder import encoder_to_write
    from clcap_cli.models.adapters import load_weights
    from clcap_cli.models.registry import build_model
    from clcap_cli.stages.initial_weights import check_initial_weights, model_config, model_name, tokenizer_for
    from clcap_cli.stages.training_features import TrainingPictures, mle_features, on_device, record_folders
    from clcap_cli.stages.training_setup import divide_over_processes, find_run, start_training
    from clcap_cli.tokenizers.hugging_face import read_tokenizer
    from clcap_cli.training.data import CaptionSplit
    from clcap_cli.training.fine_tuning import freeze, initial_model
    from clcap_cli.training.mle_task import MleTask
    from clcap_cli.training.validation import CaptionSample
    from clcap_cli.training.worse import check_not_worse

    captions_h5 = open_captions(captions)
    stored = features_by_caption_ids(captions_h5, open_features(features)) if features else None
    origin = Origin("train-mle", settings)
    origin.add_input("captions", captions_h5)
    if stored:
        origin.add_input("features", stored)
    start = open_checkpoint(init_from) if init_from else None
    name = settings["model"] = model_name(start, model.model)
    tokenizer = read_tokenizer(model.tokenizer) if model.tokenizer else tokenizer_for(start, captions_h5)
    if model.tokenizer:
        origin.add_input_file("tokenizer", model.tokenizer)
    if start:
        check_initial_weights(start, tokenizer, model.tokenizer or captions, stored)
        origin.add_input("initial weights", start)
        if fine_tuning.is_partial:
            origin.add_input(BASE, start.base or start)
    live = TrainingPictures(pictures, captions_h5, seed)
    record_folders(settings, live, [one for one in (stored, start) if one], out)
    run = find_run(train_mle, out, origin, saving)
    if run.is_finished:
        return out
    inputs = mle_features(live, start, stored, backbone, image_size)
    encoded = captions_h5.encoded_with(tokenizer)
    longest = encoded.truncated(model.max_length or (start.config.max_length if start else MAX_WORDS)).longest
    if cut := int((encoded.lengths > longest).sum()):
        print_info(f"{cut} of {len(encoded.lengths)} captions are cut at {longest} tokens")
    sizes = {
        "vocabulary_size": tokenizer.size,
        "start_token": tokenizer.start,
        "end_token": tokenizer.end,
        "max_length": longest,
        "pooled_channels": inputs.backbone.pooled_channels,
        "grid_channels": inputs.backbone.grid_channels,
    }
    start = initial_model(start, fine_tuning) if start else None
    config = model_config(start, name, sizes, model.options())
    device, optimisation = start_training(compute, optimisation, seed, settings, run)
    captioner = build_model(name, config)
    if start:
        load_weights(captioner, start.weights)
    freeze(captioner, fine_tuning)
    trained = on_device(captioner, inputs, device)
    if saving.fsdp:
        divide_over_processes(trained)
    split, val = (
        CaptionSplit(captions_h5, name, device, inputs.skipped, tokenizer, longest) for name in ("train", "val")
    )
    sample = None if optimisation.select_by == "loss" else CaptionSample(val, inputs, trained, seed)
    task = MleTask(trained, split, val, inputs, batch, seed, sample)
    size = sum(parameter.numel() for parameter in trained.parameters())
    print_info(f"{name}: {size:,} parameters, {len(task.captions):,} training images")

    def write(path: Path, record: dict[str, Any]) -> None:
        info, encoder = encoder_to_write(trained, inputs, start.encoder if start else None)
        base = start.base_for(captioner) if start and fine_tuning.is_partial else None
        shared = tokenizer, info, record, Lineage(), origin, encoder
        write_checkpoint(path, name, captioner, *shared, base=base)

    if not run.preflight(task, optimisation):
        check_not_worse(run.train(task, optimisation, seed, write), out)
    return out
