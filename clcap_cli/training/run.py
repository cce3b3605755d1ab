"""A training run on disk: finished before, continued from its saved state, or started from the beginning."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable, remove_new_folders_of
from clcap_cli.artifacts.cache import write_no_caches
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.discriminators import discriminator_path
from clcap_cli.artifacts.output_lock import is_busy
from clcap_cli.artifacts.output_path import check_names_beside
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.state_shards import remove_shards, shard_files
from clcap_cli.compute.collectives import naming_lost_processes, wait_for_all
from clcap_cli.compute.divided_model import whole_on_cpu_of_first
from clcap_cli.compute.processes import is_first
from clcap_cli.compute.random_streams import seed_torch
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.compute.stop_signals import StopSignals
from clcap_cli.console import print_info
from clcap_cli.continuing import print_finished
from clcap_cli.errors import ClcapError
from clcap_cli.interruption import INTERRUPTION
from clcap_cli.tracking.tracking import check_tracking_folder, tracked
from clcap_cli.training.earlier_run import EarlierRun, advice_on_damage, find_earlier_run
from clcap_cli.training.loop import train
from clcap_cli.training.preflight import check_room, print_dry_run, sizes_of, try_step
from clcap_cli.training.report import write_log
from clcap_cli.training.run_files import best_path, log_path, state_path
from clcap_cli.training.run_saver import RunSaver, WriteCheckpoint
from clcap_cli.training.run_settings import RunSettings, SaveInterval
from clcap_cli.training.saved_state import SavedState
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.skipped_steps import DivergedError
from clcap_cli.training.state import TrainState
from clcap_cli.training.task import Task
from clcap_cli.training.worse import check_not_worse, loss_rise


class TrainingRun:
    """The run that writes a checkpoint, its log and, while it is unfinished, its state and its best checkpoint."""

    def __init__(
        self,
        out: Path,
        origin: Origin,
        settings: RunSettings,
        options: Mapping[str, str],
        has_discriminator: bool = False,
        has_comparable_loss: bool = True,
    ):
        """Look for the files of an earlier run with the same output, and print what happens with them.

        ``options`` maps each setting that determines the result to its option, such as --lr. Raises ClcapError if a
        file cannot be written, if there is a state but --resume is not given, if --resume is given but the files
        belong to another run, and if they are those of a finished run that got worse.
        """
        self.out, self.origin, self.settings = out, origin, settings
        self.has_comparable_loss = has_comparable_loss
        if settings.dry_run:
            remove_new_folders_of(out)
            write_no_caches()
        outputs = [out, *([discriminator_path(out)] if has_discriminator else [])]
        best = best_path(out)
        self.temporary = [state_path(out), best, *([discriminator_path(best)] if has_discriminator else [])]
        check_names_beside(out, [*outputs[1:], log_path(out), *self.temporary])
        check_tracking_folder(settings.track, out)
        for path in (*outputs, log_path(out), *self.temporary):
            check_writable(path, origin.input_paths)
        self.is_finished = False
        self.state: SavedState | None = None
        if settings.dry_run and is_busy(out):
            print_info(f"another process is writing {out}; the run that is tried could start when that one has ended")
        else:
            self._use(find_earlier_run(outputs, origin, options))

    def _use(self, earlier: EarlierRun) -> None:
        """Decide whether the run is finished, is continued from a state, or starts from the beginning."""
        self.is_finished = earlier.is_finished and self.settings.resume
        self.state = None if earlier.is_finished else earlier.state
        if not earlier.is_finished:
            earlier.check(self.settings.resume)
        if not self.settings.dry_run and is_first():
            self._remove_what_was_left(earlier)
        if self.is_finished:
            print_finished(self.out)
            check_not_worse(open_checkpoint(self.out).training, self.out)

    def _remove_what_was_left(self, earlier: EarlierRun) -> None:
        """Remove what runs left that were killed just after they wrote their checkpoint, or while they wrote shards."""
        if earlier.is_finished:
            self._remove_temporary_files()
        else:
            shards = earlier.state.shards if earlier.state else None
            remove_shards(state_path(self.out), kept=[shards.number] if shards else [])

    def computed_as_before(
        self, compute: ComputeSettings, optimisation: Optimisation
    ) -> tuple[ComputeSettings, Optimisation]:
        """The settings with the device, threads and precision of the saved state, if there is one."""
        if self.state is None:
            return compute, optimisation
        before = self.state.computation
        compute = replace(compute, device=before.device, threads=before.threads)
        return compute, replace(optimisation, precision=before.precision)

    @naming_lost_processes()
    def preflight(self, task: Task, settings: Optimisation, before_steps: str = "") -> bool:
        """Try what the run needs later, unless --no-preflight is given; returns whether --dry-run ends the run here.

        ``before_steps`` is work before the first step that is not tried, in words. Changes nothing. Raises ClcapError
        if something does not work.
        """
        if self.settings.no_preflight:
            return False
        state = TrainState(task, settings)
        sizes = sizes_of(state)
        if is_first():
            found = [*(path for path in self.temporary if path.exists()), *shard_files(state_path(self.out))]
            check_room(self.out, sizes, sum(path.stat().st_size for path in found))
        try_step(state)
        if self.settings.dry_run:
            self._load(state)
            print_dry_run(state, self.out, sizes, before_steps)
        return self.settings.dry_run

    @naming_lost_processes()
    def train(self, task: Task, settings: Optimisation, seed: int, write: WriteCheckpoint) -> dict[str, Any]:
        """Train, from the saved state if there is one, write the log and what ``write`` writes, and return the record.

        Raises ClcapError if training diverges; the message names the files that remain.
        """
        seed_torch(seed, "dropout")
        state = TrainState(task, settings, seed)
        self._load(state)
        wait_for_all()  # before the first of them replaces a file that another one reads
        name = self.settings.track if is_first() else None
        tracking = tracked(name, self.out, self.origin.settings, state.progress.log)
        with tracking as track, StopSignals() as signals:
            interval = SaveInterval.parse(self.settings.save_every)
            saver = RunSaver(self.out, self.origin, interval, state, write, signals)
            with self._naming_what_remains(state):
                record = train(state, saver, track)
            if self.has_comparable_loss and (rise := loss_rise(state.progress)):
                record["loss_rise"] = asdict(rise)
            with whole_on_cpu_of_first(task.model):
                if is_first():
                    with saver.naming_the_state(), all_or_nothing():
                        write_log(log_path(self.out), state)
                        write(self.out, record)
                    self._remove_temporary_files()
            wait_for_all()
        print_info(f"all metrics of each validation: {log_path(self.out)}")
        return record

    def _load(self, state: TrainState) -> None:
        """Continue from the saved state, if there is one."""
        if self.state:
            with advice_on_damage():
                state.load(self.state.path)

    @contextmanager
    def _naming_what_remains(self, state: TrainState) -> Iterator[None]:
        """Let errors of a training that diverged name its best checkpoint, and how to start again."""
        try:
            yield
        except DivergedError as error:
            saved = state_path(self.out)
            again = f"; delete {saved} to use --out {self.out} again" if saved.exists() else ""
            raise ClcapError(f"{error}{self._kept(state)}{again}") from error

    def _kept(self, state: TrainState) -> str:
        """The best checkpoint so far and its use, in words; nothing if the initial model was better."""
        path, best = best_path(self.out), state.progress.best
        if not (best and path.exists()) or state.criterion.prefers(state.progress.log[0], best.metrics):
            return ""
        option = "--init-from" if self.origin.stage == "train-mle" else "--target"
        return f"; the best checkpoint so far is kept: a run with {option} {path} starts from it"

    def _remove_temporary_files(self) -> None:
        INTERRUPTION.kept = ""
        for path in self.temporary:
            with suppress(OSError):
                path.unlink()
        remove_shards(state_path(self.out))
