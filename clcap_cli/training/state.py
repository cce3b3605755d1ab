"""The complete state of a training run, which can be saved, loaded and continued with the same results.

A saved state is a PyTorch file of plain types and tensors, like a checkpoint; tensors that are divided over processes
are in shards beside it. It has no weights that are not trained.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.provenance import Origin, parse_provenance
from clcap_cli.artifacts.state_shards import recorded_shards
from clcap_cli.compute.divided_model import divided_like, is_part
from clcap_cli.compute.processes import is_first
from clcap_cli.compute.random_streams import torch_generator
from clcap_cli.errors import damaged_file_error
from clcap_cli.training.meter import Meter
from clcap_cli.training.new_shards import new_shards
from clcap_cli.training.optimizer import (
    load_optimizer_tensors,
    make_optimizer,
    optimizer_tensors,
    optimizer_tensors_like,
)
from clcap_cli.training.progress import Best, Count, Progress
from clcap_cli.training.saved_state import KIND, Computation, Precision
from clcap_cli.training.selection import CRITERIA
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.task import Task

if TYPE_CHECKING:
    from clcap_cli.training.divided_tensors import ShardReader


class TrainState:
    """A task in training: networks, optimisers, random generators, progress and the best weights so far."""

    def __init__(self, task: Task, settings: Optimisation, seed: int = 0):
        self.task, self.settings, self.seed = task, settings, seed
        self.device = next(task.model.parameters()).device
        self.optimizer = make_optimizer(task.model, settings)
        extra = task.extra_state
        self.networks = {"captioner": task.model, **extra.networks}
        self.optimizers = {"captioner": self.optimizer, **extra.optimizers}
        self.generators = {"dropout": torch_generator(self.device), **extra.generators}
        self.criterion = CRITERIA[settings.select_by]
        self.progress = Progress(0, 0, 0, 0, [], None)
        self.meter = Meter()
        self.best_weights: dict[str, Tensor] = {}
        """Values of the weights that are trained."""

    @property
    def validations_since_best(self) -> int:
        """Number of validations since the best one."""
        best = self.progress.best
        if best is None:
            return 0
        later = takewhile(lambda record: record["step"] > best.step, reversed(self.progress.log))
        return sum(1 for _ in later)

    @property
    def is_finished(self) -> bool:
        """Whether training has reached its last epoch or step, or ran out of patience."""
        epoch, step, settings = self.progress.epoch, self.progress.step, self.settings
        return (
            epoch >= settings.epochs or step == settings.max_steps or self.validations_since_best >= settings.patience
        )

    @property
    def validation_is_due(self) -> bool:
        """Whether to validate after the last step; always true at the end of training."""
        every = self.settings.eval_every
        return self.is_finished or (self.progress.step % every == 0 if every else self.progress.batch == 0)

    @property
    def validation_is_missing(self) -> bool:
        """Whether the validation after the last step is due but was not made, because the run stopped before it."""
        progress = self.progress
        return progress.step > 0 and self.validation_is_due and progress.log[-1]["step"] != progress.step

    def keep_if_best(self, metrics: dict[str, float]) -> bool:
        """Keep the model's current weights if ``metrics`` are the best so far; returns whether they are."""
        progress = self.progress
        if progress.best and not self.criterion.prefers(metrics, progress.best.metrics):
            return False
        progress.best = Best(progress.fractional_epoch, progress.step, metrics)
        self.best_weights = {name: one.clone() for name, one in torch_files.trained_weights(self.task.model).items()}
        return True

    def record(self) -> dict[str, Any]:
        """The record of the run that its checkpoint keeps."""
        progress, best = self.progress, self.progress.best
        assert best is not None, "every checkpoint is written after a validation"
        return {
            "settings": asdict(self.settings),
            "epochs": progress.fractional_epoch,
            "steps": progress.step,
            **({"skipped_steps": progress.skipped.total} if progress.skipped.total else {}),
            "best_epoch": best.epoch,
            "best_step": best.step,
            "criterion": self.criterion.metric,
            "metrics": best.metrics,
        }

    def save(self, path: Path, origin: Origin, continue_with: str) -> None:
        """Write the state to ``path`` in the first process; those of a divided model write its shards together.

        ``origin`` names the files and settings of the training, ``continue_with`` the command that continues it. Raises
        ClcapError, and leaves the earlier state as it was, if it cannot be written.
        """
        tensors = _flatten(self._tensors())
        divided = {name: value for name, value in tensors.items() if is_part(value)}
        with new_shards(divided, path) as shards:
            if not is_first():
                return
            plain = {**self._plain(continue_with), **({"shards": asdict(shards)} if shards else {})}
            whole = {name: value.cpu() for name, value in tensors.items() if name not in divided}
            provenance = origin.make_provenance(KIND, torch_files.content_id(plain, whole), path).model_dump()
            torch_files.save({"provenance": provenance, **plain, "tensors": whole}, path)

    def load(self, path: Path) -> None:
        """Continue from a state that was saved by a run with the same files and settings; all processes call this.

        Raises ClcapError, and changes nothing, if the file is damaged or does not fit the networks.
        """
        content = torch_files.load(path)
        provenance = parse_provenance(content["provenance"], path, KIND)
        progress = validated_part("progress", content.get("progress"), Progress, path, KIND)
        sums = validated_part("sums", content.get("sums"), _MeterState, path, KIND)
        reader = _shard_reader(content, path)
        tensors, divided = self._checked(path, content.get("tensors"), reader.tensors if reader else {}, progress)
        plain = {name: value for name, value in content.items() if name not in ("provenance", "tensors")}
        if _content_id(plain, tensors) != provenance.id:
            raise damaged_file_error(path, "its content is not what was saved")
        self._check_generators(path, tensors)
        tensors |= reader.read(divided) if reader else {}
        self.progress, self.meter = progress, Meter(sums.steps, sums.sums)
        self._restore(tensors)

    def _plain(self, continue_with: str) -> dict[str, Any]:
        """Everything but the tensors."""
        precision: Precision = "bf16" if self.settings.precision == "bf16" else "fp32"
        computation = Computation(str(self.device), torch.get_num_threads(), precision)
        return {
            "progress": asdict(self.progress),
            "sums": asdict(_MeterState(self.meter.steps, self.meter.totals())),
            "computation": asdict(computation),
            "continue_with": continue_with,
        }

    def _tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """All tensors, by owner and name."""
        return {
            **{f"network {name}": torch_files.trained_weights(one) for name, one in self.networks.items()},
            **{f"optimizer {name}": optimizer_tensors(optimizer) for name, optimizer in self.optimizers.items()},
            **{f"generator {name}": {"state": generator.get_state()} for name, generator in self.generators.items()},
            "best": self.best_weights,
        }

    def _checked(
        self, path: Path, found: object, in_shards: Mapping[str, Tensor], progress: Progress
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return ``found`` if it has the expected tensors but those in shards, and tensors like those in shards.

        Raises ClcapError otherwise.
        """
        expected = self._expected({**found, **in_shards} if isinstance(found, dict) else in_shards, progress)
        divided = {name: expected[name] for name in expected if name in in_shards}
        torch_files.check_described(path, "tensor", in_shards, divided)
        whole = {name: value for name, value in expected.items() if name not in divided}
        return torch_files.check_tensors(path, "tensor", found, whole), divided

    def _expected(self, found: Mapping[str, object], progress: Progress) -> dict[str, Tensor]:
        """Tensors like those of a saved state with ``progress``; ``found`` names the parameters that were updated."""
        expected = self._tensors()
        expected["best"] = torch_files.trained_weights(self.task.model) if progress.best else {}
        for name, optimizer in self.optimizers.items():
            expected[f"optimizer {name}"] = optimizer_tensors_like(optimizer, _with_prefix(found, f"optimizer {name}"))
        return _flatten(expected)

    def _check_generators(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        """Raise ClcapError if a random generator cannot have its saved state."""
        for name, generator in self.generators.items():
            try:
                torch.Generator(generator.device).set_state(tensors[f"generator {name}/state"])
            except RuntimeError as error:
                raise damaged_file_error(path, f"its random generator '{name}' has an invalid state") from error

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        for name, network in self.networks.items():
            saved = _with_prefix(tensors, f"network {name}")
            network.load_state_dict(_divided_like(saved, torch_files.trained_weights(network)), strict=False)
        for name, optimizer in self.optimizers.items():
            load_optimizer_tensors(optimizer, _with_prefix(tensors, f"optimizer {name}"))
        for name, generator in self.generators.items():
            generator.set_state(tensors[f"generator {name}/state"])
        self.best_weights = _divided_like(_with_prefix(tensors, "best"), torch_files.trained_weights(self.task.model))


@dataclass(frozen=True)
class _MeterState:
    """The sums of a meter."""

    steps: Count
    sums: dict[str, float]


def _shard_reader(content: Mapping[str, Any], path: Path) -> "ShardReader | None":
    """The reader of the shards of a state; None if it has none. Raises ClcapError if they are damaged."""
    shards = recorded_shards(content, path, KIND)
    if shards is None:
        return None
    from clcap_cli.training.divided_tensors import ShardReader  # here because its import is slow

    return ShardReader(shards, path)


def _content_id(plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str | None:
    """The content id of a saved state; None if its plain part is not JSON data, which clcap never saves."""
    try:
        return torch_files.content_id(plain, tensors)
    except (TypeError, ValueError):
        return None


def _divided_like(tensors: Mapping[str, Tensor], model: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: divided_like(value, model[name]) for name, value in tensors.items()}


def _flatten(tensors: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Join owner and name of each tensor to ``owner/name``."""
    return {f"{owner}/{name}": value for owner, owned in tensors.items() for name, value in owned.items()}


def _with_prefix(tensors: Mapping[Any, Any], owner: str) -> dict[str, Any]:
    """The tensors of one owner by name."""
    return {
        name.removeprefix(f"{owner}/"): value for name, value in tensors.items() if str(name).startswith(f"{owner}/")
    }
