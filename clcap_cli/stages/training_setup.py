"""Setup that train-mle and train-cl share: device, precision, reproducibility and seeding."""

from collections.abc import MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from clcap_cli.compute.devices import make_reproducible
from clcap_cli.compute.precision import choose_precision
from clcap_cli.compute.process import at_stage_end
from clcap_cli.compute.random_streams import seed_torch, torch_generator
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.training.settings import Optimisation


def start_training(
    compute: ComputeSettings, optimisation: Optimisation, seed: int, settings: MutableMapping[str, Any]
) -> tuple[torch.device, Optimisation]:
    """Choose the device and precision, and seed the initialisation of models.

    Returns the device and the optimisation settings with the chosen precision. Stores precision and number of threads
    in ``settings``. Raises ClcapError for a precision that the device does not support.
    """
    device = compute.start()
    optimisation = replace(optimisation, precision=choose_precision(optimisation.precision, device))
    settings.update(precision=optimisation.precision, threads=torch.get_num_threads())
    make_reproducible()
    for generator in (torch.default_generator, torch_generator(device)):
        at_stage_end(partial(generator.set_state, generator.get_state()))
    seed_torch(seed, "initialisation")
    return device, optimisation
