"""Models of standard size that are trained on synthetic data, kept in a folder for the next run."""

import tempfile
from getpass import getuser
from pathlib import Path
from zlib import crc32

import torch

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.models.captioner import Captioner
from tests.benchmarks import synthetic_data
from tests.benchmarks.measure import standard_model
from tests.benchmarks.synthetic_data import TrainingBatches, World

TRAINED = Path(tempfile.gettempdir(), f"clcap_benchmarks_{getuser()}")
TRAINING_IMAGES = 5000
STEPS = {"mle": 1500, "cl": 60}
"""Training steps of each objective; those of CL follow those of MLE."""
DATA = f"{crc32(Path(synthetic_data.__file__).read_bytes()):08x}"
"""Checksum of the code that makes the data and trains on them."""


def trained_path(name: str, objective: str, folder: Path) -> Path:
    """File of a trained model; its name has the numbers of steps and images, and the checksum of the data's code."""
    steps = STEPS["mle"] if objective == "mle" else f"{STEPS['mle']}_{STEPS[objective]}"
    return folder / f"{name}_{objective}_{steps}_steps_{TRAINING_IMAGES}_images_{DATA}.pt"


def trained_model(name: str, objective: str, folder: Path, device: str) -> Captioner:
    """The model after MLE, or after MLE and CL; trained now unless ``folder`` has it."""
    path, model = trained_path(name, objective, folder), standard_model(name, device)
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True, map_location=device))
        return model.eval()
    reference = trained_model(name, "mle", folder, device) if objective == "cl" else None
    if reference:
        model.load_state_dict(reference.state_dict())
    TrainingBatches(World(TRAINING_IMAGES, 1, device)).learn(model, reference, STEPS[objective])
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        torch.save(model.state_dict(), unfinished)
    return model.eval()
