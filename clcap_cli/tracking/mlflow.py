"""MLflow: one run per training, in the folder NAME.mlflow or on the server of MLFLOW_TRACKING_URI."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clcap_cli.artifacts.atomic import write_text
from clcap_cli.errors import ClcapError
from clcap_cli.tracking.tracker import Log, Tracker, reason_of

if TYPE_CHECKING:
    from mlflow.entities import Metric

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing goes to the network unless the user names a server
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a database would need further packages
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the address of a server can contain a password
    # A server that does not answer must not stop the training for minutes; the next validation tries again.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Variables of MLflow with other defaults than its own; those that the user sets are left as they are."""
for variable, text in DEFAULTS.items():
    os.environ.setdefault(variable, text)  # here, because MLflow reads some of them when it is imported
LAST_NUMBER = "seconds"
"""The last number of a validation, so one that has it was logged completely."""


class MLflow(Tracker):
    """Logs to one run, also after the training is resumed.

    MLflow cannot remove values, so validations that were logged before the training stopped are not logged again.
    """

    modules = ("mlflow",)

    @classmethod
    def check(cls, option: str) -> None:
        """See Tracker; asks the server, if there is one."""
        super().check(option)
        from mlflow import get_tracking_uri
        from mlflow.exceptions import MlflowException
        from mlflow.tracking.client import MlflowClient

        if get_tracking_uri().startswith("http"):
            try:
                MlflowClient().get_experiment_by_name(_experiment_name())
            except MlflowException as error:
                raise ClcapError(f"{option}: {reason_of(error)}") from error

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        import mlflow
        from mlflow.tracking.client import MlflowClient

        super().__init__(folder, settings)
        if mlflow.is_tracking_uri_set():
            self.client, self.place = MlflowClient(), "the store of MLFLOW_TRACKING_URI"
        else:
            self.client = MlflowClient(folder.resolve().as_uri())
        self.run_id = ""
        self.logged: set[int] = set()
        """Steps of the validations that the run has."""

    @property
    def id_file(self) -> Path:
        """The file that names the run of an unfinished training."""
        return self.folder / "run_id"

    def update(self, log: Log) -> None:
        """See Tracker."""
        if not self.run_id:
            self.run_id = (log and self._earlier_run()) or self._new_run()
        for validation in log:
            if validation["step"] not in self.logged:
                self.client.log_batch(self.run_id, metrics=_metrics_of(validation), synchronous=True)
                self.logged.add(int(validation["step"]))

    def end(self, is_finished: bool) -> None:
        """See Tracker."""
        if self.run_id:
            self.client.set_terminated(self.run_id, "FINISHED" if is_finished else "FAILED")
        if is_finished:
            self.id_file.unlink(missing_ok=True)

    def _earlier_run(self) -> str:
        """The run that this training has logged to before, running again; empty if there is none."""
        from mlflow.exceptions import MlflowException

        with suppress(OSError, MlflowException):  # no file; a run of another store, or a deleted one
            run_id = self.id_file.read_text()
            self.client.update_run(run_id, "RUNNING")
            self.logged = {one.step for one in self.client.get_metric_history(run_id, LAST_NUMBER)}
            return run_id
        return ""

    def _new_run(self) -> str:
        from mlflow.entities import Param

        run_id = self.client.create_run(self._experiment(), run_name=self.folder.stem).info.run_id
        params = [Param(name, str(value)) for name, value in self.settings.items()]
        self.client.log_batch(run_id, params=params, synchronous=True)
        self.folder.mkdir(exist_ok=True)
        write_text(self.id_file, run_id)
        return run_id

    def _experiment(self) -> str:
        """Id of the experiment, which is created if it is missing."""
        found = self.client.get_experiment_by_name(_experiment_name())
        return found.experiment_id if found else self.client.create_experiment(_experiment_name())


def _experiment_name() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME", "clcap")


def _metrics_of(validation: Mapping[str, int | float]) -> "list[Metric]":
    """The numbers of a validation; MLflow's names have no @."""
    from mlflow.entities import Metric

    step, now = int(validation["step"]), int(1000 * time.time())
    numbers = {name.replace("@", "_at_"): value for name, value in validation.items() if name != "step"}
    return [Metric(name, float(value), now, step) for name, value in numbers.items()]
