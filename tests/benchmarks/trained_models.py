"""Models of standard size that are trained on synthetic data, kept in a folder for the next run."""

import tempfile
from pathlib import Path

import torch

from clcap_cli.models.captioner import Captioner
from tests.benchmarks.measure import standard_model
from tests.benchmarks.synthetic_data import TrainingBatches, World

TRAINED = Path(tempfile.gettempdir(), "clcap_benchmarks")
TRAINING_IMAGES = 5000
STEPS = {"mle": 1500, "cl": 60}
"""Training steps of each objective; those of CL follow those of MLE."""


def trained_model(name: str, objective: str, folder: Path, device: str) -> Captioner:
    """The model after MLE, or after MLE and CL; trained now unless ``folder`` has it."""
    path, model = folder / f"{name}_{objective}.pt", standard_model(name, device)
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True, map_location=device))
        return model.eval()
    reference = trained_model(name, "mle", folder, device) if objective == "cl" else None
    if reference:
        model.load_state_dict(reference.state_dict())
    TrainingBatches(World(TRAINING_IMAGES, 1, device)).learn(model, reference, STEPS[objective])
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model.eval()
