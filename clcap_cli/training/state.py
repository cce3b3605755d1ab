"""Everything that a training is at one moment; saved and loaded, it goes on with the same digits.

A saved state is a PyTorch file of plain types and tensors, like a checkpoint.
"""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.compute.random_streams import torch_generator
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.training.meter import Meter
from clcap_cli.training.optimizer import (
    load_optimizer_tensors,
    make_optimizer,
    optimizer_tensors,
    optimizer_tensors_like,
)
from clcap_cli.training.progress import Best, Count, Progress
from clcap_cli.training.selection import CRITERIA
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.task import Task

KIND = "clcap/train-state"


class TrainState:
    """A task that is learned: its networks, optimisers and random numbers, how far it is, and the best so far."""

    def __init__(self, task: Task, settings: Optimisation):
        self.task, self.settings = task, settings
        self.device = next(task.model.parameters()).device
        self.optimizer = make_optimizer(task.model, settings)
        others = task.extra_state
        self.networks = {"captioner": task.model, **others.networks}
        self.optimizers = {"captioner": self.optimizer, **others.optimizers}
        self.generators = {"dropout": torch_generator(self.device), **others.generators}
        self.criterion = CRITERIA[settings.select_by]
        self.progress = Progress(0, 0, 0, 0, [], None)
        self.meter = Meter()
        self.best_weights: dict[str, Tensor] = {}

    @property
    def validations_since_best(self) -> int:
        """How many validations were not better than the best."""
        best = self.progress.best
        return sum(record["step"] > best.step for record in self.progress.log) if best else 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to train."""
        epoch, step, settings = self.progress.epoch, self.progress.step, self.settings
        return (
            epoch >= settings.epochs or step == settings.max_steps or self.validations_since_best >= settings.patience
        )

    @property
    def validation_is_due(self) -> bool:
        """Whether the last step is one after which the model is validated; the last of a training always is."""
        every = self.settings.eval_every
        return self.ended or (self.progress.step % every == 0 if every else self.progress.batch == 0)

    def offer(self, metrics: dict[str, float]) -> bool:
        """Keep the model's weights if these metrics of it are the best so far; returns whether they are."""
        progress = self.progress
        if progress.best and not self.criterion.prefers(metrics, progress.best.metrics):
            return False
        progress.best = Best(progress.epochs, progress.step, metrics)
        self.best_weights = copy.deepcopy(self.task.model.state_dict())
        return True

    def save(self, path: Path, origin: Origin) -> None:
        """Write everything to ``path``; ``origin`` names the files and settings of the training.

        Raises ClcapError when it cannot be written.
        """
        sums = _Sums(self.meter.steps, self.meter.totals())
        plain = {"progress": asdict(self.progress), "sums": asdict(sums)}
        tensors = _flat(self._tensors())
        provenance = origin.make_provenance(KIND, torch_files.content_id(plain, tensors), path).model_dump()
        torch_files.save({"provenance": provenance, **plain, "tensors": tensors}, path)

    def load(self, path: Path, origin: Origin) -> None:
        """Go on from what was saved at ``path`` in a training of the same files and settings.

        Raises ClcapError, and changes nothing, when it is damaged or of another training.
        """
        content = torch_files.load(path)
        provenance = parse_provenance(content["provenance"], path, KIND)
        _check_same_training(path, provenance, origin.make_provenance(KIND, provenance.id, path))
        progress = validated_part("progress", content.get("progress"), Progress, path, KIND)
        sums = validated_part("sums", content.get("sums"), _Sums, path, KIND)
        tensors = self._checked(path, content.get("tensors"), progress)
        plain = {"progress": asdict(progress), "sums": asdict(sums)}
        if torch_files.content_id(plain, tensors) != provenance.id:
            raise damaged_file_error(path, "its content is not what was saved")
        self.progress, self.meter = progress, Meter(sums.steps, sums.sums)
        self._restore(tensors)

    def _tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """All tensors, by what they belong to."""
        return {
            **{f"network {name}": torch_files.cpu_weights(network) for name, network in self.networks.items()},
            **{f"optimizer {name}": optimizer_tensors(optimizer) for name, optimizer in self.optimizers.items()},
            **{f"generator {name}": {"state": generator.get_state()} for name, generator in self.generators.items()},
            "best": {name: value.cpu() for name, value in self.best_weights.items()},
        }

    def _checked(self, path: Path, found: object, progress: Progress) -> dict[str, Tensor]:
        """``found`` if it fits the networks, optimisers and generators; raises ClcapError."""
        expected = self._tensors()
        expected["best"] = self.task.model.state_dict() if progress.best else {}
        for name, optimizer in self.optimizers.items():
            expected[f"optimizer {name}"] = optimizer_tensors_like(optimizer, _owned(found, f"optimizer {name}"))
        return torch_files.check_tensors(path, "tensor", found, _flat(expected))

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        for name, network in self.networks.items():
            network.load_state_dict(_owned(tensors, f"network {name}"))
        for name, optimizer in self.optimizers.items():
            load_optimizer_tensors(optimizer, _owned(tensors, f"optimizer {name}"))
        for name, generator in self.generators.items():
            generator.set_state(tensors[f"generator {name}/state"])
        self.best_weights = _owned(tensors, "best")


@dataclass(frozen=True)
class _Sums:
    """What a meter has summed."""

    steps: Count
    sums: dict[str, float]


def _flat(tensors: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors of several owners by one name each, ``owner/name``."""
    return {f"{owner}/{name}": value for owner, owned in tensors.items() for name, value in owned.items()}


def _owned(tensors: object, owner: str) -> dict[str, Any]:
    """Those of one owner, of what a file has in the place of tensors."""
    every = tensors.items() if isinstance(tensors, dict) else ()
    return {name.removeprefix(f"{owner}/"): value for name, value in every if str(name).startswith(f"{owner}/")}


def _check_same_training(path: Path, saved: Provenance, now: Provenance) -> None:
    """Raise ClcapError unless both have the same settings and the same files."""
    for name in dict.fromkeys([*now.settings, *saved.settings]):
        before, here = saved.settings.get(name), now.settings.get(name)
        if before != here:
            raise ClcapError(f"{path} is of another training: {name} is {before} there and {here} here")
    if [(one.role, one.id) for one in saved.inputs] != [(one.role, one.id) for one in now.inputs]:
        raise ClcapError(f"{path} is of another training: its files are not those of this one")
