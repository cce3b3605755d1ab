"""Setup that train-mle and train-cl share: the run on disk, device, precision, reproducibility and seeding."""

import os
from collections.abc import MutableMapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.devices import make_reproducible
from clcap_cli.compute.divided_model import divide
from clcap_cli.compute.precision import choose_precision
from clcap_cli.compute.process import at_stage_end
from clcap_cli.compute.random_streams import seed_torch, torch_generator
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError
from clcap_cli.features.pixel_captioner import captioner_in
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.options import Argument
from clcap_cli.stages.stage import Stage
from clcap_cli.training.run import TrainingRun
from clcap_cli.training.run_settings import RunSettings
from clcap_cli.training.settings import Optimisation


def find_run(
    stage: Stage[Path],
    out: Path,
    origin: Origin,
    settings: RunSettings,
    has_discriminator: bool = False,
    has_comparable_loss: bool = True,
) -> TrainingRun:
    """The run of a stage on disk; raises ClcapError like ``TrainingRun``."""
    fields = RunSettings.__dataclass_fields__
    options = {one.name: one.wording for one in stage.parameters if one.kind is not Path and one.name not in fields}
    names = {
        name: wording.name or f"--{name.replace('_', '-')}"
        for name, wording in options.items()
        if not isinstance(wording, Argument)
    }
    return TrainingRun(out, origin, settings, names, has_discriminator, has_comparable_loss)


def start_training(
    compute: ComputeSettings,
    optimisation: Optimisation,
    seed: int,
    settings: MutableMapping[str, Any],
    run: TrainingRun,
) -> tuple[torch.device, Optimisation]:
    """Choose the device and precision, or take those of a resumed run, and seed the initialisation of models.

    Returns the device and the optimisation settings with the chosen precision. Stores precision and number of threads
    in ``settings``. Raises ClcapError for a device that this machine does not have.
    """
    compute, optimisation = run.computed_as_before(compute, optimisation)
    device = _start(compute, run)
    optimisation = replace(optimisation, precision=choose_precision(optimisation.precision, device))
    settings.update(precision=optimisation.precision, threads=torch.get_num_threads())
    make_reproducible()
    for generator in (torch.default_generator, torch_generator(device)):
        at_stage_end(partial(generator.set_state, generator.get_state()))
    seed_torch(seed, "initialisation")
    return device, optimisation


def divide_over_processes(model: Captioner) -> None:
    """Divide the weights of a model that is to be trained; a captioner of Hugging Face is gathered layer by layer."""
    captioner = captioner_in(model)
    divide(model, captioner.decoder.layers if isinstance(captioner, HuggingFaceCaptioner) else [])


def _start(compute: ComputeSettings, run: TrainingRun) -> torch.device:
    """Set the number of threads and return the device; says what a resumed run lacks on this machine."""
    try:
        device = compute.start()
    except ClcapError as error:
        raise ClcapError(f"{error}; {run.state.path} was saved on it" if run.state else str(error)) from error
    processors = os.cpu_count() or 1
    if run.state and torch.get_num_threads() > processors:
        print_warning(
            f"the run computes with {torch.get_num_threads()} threads, as before; this machine has only {processors} "
            "processors, so steps take longer"
        )
    return device
