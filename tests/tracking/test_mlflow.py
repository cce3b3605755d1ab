"""--track mlflow: one run per training, with the numbers of the log, in a folder unless a store is named."""

from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run
from mlflow.tracking.client import MlflowClient

from clcap_cli.errors import ClcapError
from tests.tracking.training import failing, log_of, train, train_until


@pytest.fixture(autouse=True)
def no_store_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


def runs_in(folder: Path, experiment: str = "clcap") -> list[Run]:
    """The runs of the experiment in a folder, the newest first."""
    client = MlflowClient(folder.as_uri())
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def logged(folder: Path, run: Run) -> dict[str, dict[int, float]]:
    """The values of each number of a run by step; no step is there twice."""
    client, values = MlflowClient(folder.as_uri()), {}
    for name in run.data.metrics:
        found = client.get_metric_history(run.info.run_id, name)
        values[name.replace("_at_", "@")] = {one.step: one.value for one in found}
        assert len(values[name.replace("_at_", "@")]) == len(found)
    return values


def test_all_numbers_and_the_settings_are_there(chain: Path) -> None:
    out = train(chain, track="mlflow", select_by="cider")
    (run,) = runs_in(chain / "x.mlflow")
    assert {"val_R@1", "val_CIDEr", "loss"} < log_of(out).keys()
    assert logged(chain / "x.mlflow", run) == log_of(out)
    assert (run.info.run_name, run.info.status) == ("x", "FINISHED")
    assert (run.data.params["lr"], run.data.params["select_by"]) == ("0.01", "cider")
    train(chain, track="mlflow", seed=1)
    assert len(runs_in(chain / "x.mlflow")) == 2


def test_a_stopped_and_resumed_training_is_one_run(chain: Path) -> None:
    train_until(6, chain, track="mlflow", save_every="3")
    assert runs_in(chain / "x.mlflow")[0].info.status == "FAILED"
    train_until(7, chain, track="mlflow", save_every="1", resume=True)
    out = train(chain, track="mlflow", resume=True)
    (run,) = runs_in(chain / "x.mlflow")
    assert run.info.status == "FINISHED"
    found, log = logged(chain / "x.mlflow", run), log_of(out)
    assert found["val_loss"] == log["val_loss"] and found["loss"] == log["loss"]
    assert found.keys() == log.keys()
    assert all(found[name].keys() == log[name].keys() for name in log)


def test_a_training_that_is_first_tracked_when_it_is_resumed_has_its_whole_log(chain: Path) -> None:
    train_until(5, chain, save_every="1")
    out = train(chain, track="mlflow", resume=True)
    (run,) = runs_in(chain / "x.mlflow")
    assert logged(chain / "x.mlflow", run) == log_of(out)


def test_a_deleted_run_is_not_continued(chain: Path) -> None:
    train_until(5, chain, track="mlflow", save_every="1")
    (run,) = runs_in(chain / "x.mlflow")
    MlflowClient((chain / "x.mlflow").as_uri()).delete_run(run.info.run_id)
    out = train(chain, track="mlflow", resume=True)
    (other,) = runs_in(chain / "x.mlflow")
    assert logged(chain / "x.mlflow", other) == log_of(out)


def test_variables_of_mlflow_name_store_and_experiment(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (chain / "all").as_uri())
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sizes")
    out = train(chain, track="mlflow")
    (run,) = runs_in(chain / "all", "sizes")
    assert logged(chain / "all", run) == log_of(out)
    assert list((chain / "x.mlflow").iterdir()) == []


def test_a_server_that_does_not_answer_is_an_error_before_anything_else(
    chain: Path, error_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:9")
    message = error_of("train-cl", "--ref", chain / "nt.pt", "--track", "mlflow", "--dry-run")
    assert message.startswith("--track mlflow: API request to http://127.0.0.1:9/")
    assert "secret" not in message


def test_a_store_that_cannot_be_used_is_an_error_before_training(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://here")
    with pytest.raises(ClcapError, match=r"^--track mlflow: .*'nonsense://here'.*; nothing was trained$"):
        train(chain, track="mlflow")
    assert not (chain / "x.pt").exists()


def test_a_server_that_fails_later_is_a_warning_and_gets_what_it_lacks(
    chain: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MlflowClient, "log_batch", failing(MlflowClient.log_batch, 2, 4))
    out = train(chain, track="mlflow")
    (run,) = runs_in(chain / "x.mlflow")
    assert logged(chain / "x.mlflow", run) == log_of(out)
    assert capsys.readouterr().err.count("warning: --track mlflow: ") == 1


def test_nothing_is_sent_and_nothing_is_printed_on_stdout(chain: Path, clcap) -> None:
    result = clcap("train-cl", "--ref", chain / "nt.pt", "--epochs", 1, "--track", "mlflow", "--device", "cpu")
    assert (result.status, result.out) == (0, f"{chain}/nt_cl.pt\n"), result.err
    assert f"all metrics of each validation also go to {chain}/nt_cl.mlflow" in result.err.splitlines()
    assert mlflow.telemetry.get_telemetry_client() is None
