"""The Snakemake workflow: planned jobs, errors, and continuing after an interruption."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from clcap_cli.reporting.metric_groups import group_metrics
from tests.pipelines.conftest import PIPELINES, TINY

CONFIGURATIONS = sorted((PIPELINES / "config").glob("*.yaml"))
TABLES = json.loads((PIPELINES / "tables.json").read_text(encoding="utf-8"))
TARGETS = {table["name"] for table in TABLES}
DATA = {"make_scenes", "prepare_captions", "extract_features"}
MEASURES = {"caption", "self_retrieve", "evaluate", "choose_tables", "report"}
BASICS = {"train_mle", "train_mle_continued", "train_cl"}
TRAININGS = {
    "self_retrieval": BASICS,
    "quality": BASICS,
    "ablation": BASICS,
    "against_il_gan": {"train_mle", "train_cl", "train_gan"},
    "generalisation": {"train_mle", "train_cl", "train_cl_from"},
    "replacement": {"train_mle", "train_cl", "swap_reference", "train_second_round"},
    "cross_ranking": BASICS,
    "negatives": {"train_mle", "train_cl", "train_cl_with_negatives"},
    "pools": BASICS,
    "rates": BASICS | {"train_cl_at_rate", "train_mle_continued_at_rate"},
    "decoding": BASICS,
    "transformer": BASICS,
}
BY_DECODER = {"caption_by_decoder", "self_retrieve_by_decoder", "evaluate_by_decoder"}
SPECIAL = {
    "cross_ranking": {"leave_one_out", "evaluate_human", "evaluate_left_out", "self_retrieve_by"},
    "pools": {"self_retrieve_similar", "self_retrieve_with_distractors"},
    "decoding": BY_DECODER,
    "rates": BY_DECODER,
}
"""Rules of measurements that only one target needs."""
SKIPPED = {
    "pools": {"self_retrieve", "evaluate"},
    "decoding": {"caption", "self_retrieve", "evaluate"},
    "rates": {"caption", "self_retrieve", "evaluate"},
}
"""Rules of measurements that a target does not need."""


def runs_of(*targets: str) -> set[str]:
    """The runs of models that are both ranked by themselves and scored."""
    runs = {run for table in TABLES if table["name"] in targets for run in table["rows"].values()}
    return {run for run in runs if "." not in run and run != "human"}


def planned(done: subprocess.CompletedProcess) -> dict[str, int]:
    """The number of jobs of each rule in a dry run."""
    assert done.returncode == 0, done.stdout
    table = done.stdout.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


@pytest.fixture
def data(tmp_path: Path) -> dict[str, object]:
    """Keys with existing paths for configurations that need data."""
    (tmp_path / "my images").mkdir()
    (tmp_path / "dataset.json").touch()
    sets = {"val2014": "my images", "test2014": "my images", "references": "dataset.json"}
    return {"dataset": "dataset.json", "images": "my images", "submission": json.dumps(sets)}


def test_every_table_is_covered_by_these_tests() -> None:
    assert TRAININGS.keys() == TARGETS
    assert len(CONFIGURATIONS) >= 4


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_target_plans_only_its_own_runs(target: str, snakemake: Callable) -> None:
    rules = planned(snakemake(PIPELINES / "config" / "scenes.yaml", target, "-n", "--cores", "2"))
    measures = MEASURES - SKIPPED.get(target, set()) | SPECIAL.get(target, set())
    assert rules.keys() == {target, *DATA, *measures, *TRAININGS[target]}
    assert rules.get("evaluate", 0) == 5 * len(runs_of(target))


def test_an_unknown_table_is_named(snakemake: Callable) -> None:
    process = snakemake(
        PIPELINES / "config" / "scenes.yaml", "-n", "--cores", "2", tables="[ablation,colours]", seeds=1
    )
    assert process.returncode == 1
    assert "tables: no colours in" in process.stdout


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_configuration_plans_every_target(
    configuration: Path, snakemake: Callable, data: dict[str, object], tmp_path: Path
) -> None:
    settings = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    keys = {key: value for key, value in data.items() if key in settings}
    rules = planned(snakemake(configuration, "all", *TARGETS, "-n", "--cores", "2", **keys))
    assert {"all", *TARGETS, *MEASURES}.union(*TRAININGS.values()) <= rules.keys()
    assert rules["evaluate"] == len(runs_of(*TARGETS)) * len(settings["seeds"])
    assert rules["report"] == len(TARGETS) + 1
    assert rules["extract_features"] == len(settings["extract-features"])
    assert rules.get("submit", 0) == (6 if "submission" in settings else 0)


def test_all_makes_the_tables_of_the_paper(snakemake: Callable) -> None:
    rules = planned(snakemake(PIPELINES / "config" / "scenes.yaml", "-n", "--cores", "2"))
    assert rules["report"] == 1
    assert "train_cl_with_negatives" not in rules
    assert {"train_gan", "train_cl_from", "train_second_round"} <= rules.keys()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"sedes": "[1]"}, "configuration: Additional properties are not allowed ('sedes' was unexpected)"),
        ({"objectives": "{contrastive: --k 3}"}, "configuration.objectives: Additional properties are not allowed"),
        ({"threads": "two"}, "configuration.threads: 'two' is not of type 'integer'"),
        ({"seeds": "[]"}, "configuration.seeds: [] should be non-empty"),
    ],
)
def test_an_invalid_configuration_is_refused(snakemake: Callable, keys: dict[str, str], message: str) -> None:
    process = snakemake(PIPELINES / "config" / "scenes.yaml", "-n", "--cores", "2", **keys)
    assert process.returncode == 1
    assert message in process.stdout


def test_names_of_runs_say_how_they_are_made(snakemake: Callable) -> None:
    runs = ["nt_1_mle.metrics.json", "nt_1_cl_w.val_beam5_norm.metrics.json", "aa_1.similar.retrieval.json"]
    variants = json.dumps({"cl_w": "--mle-weight 0.1"})
    process = snakemake(PIPELINES / "config" / "scenes.yaml", *runs, "-n", "-p", "--cores", "2", variants=variants)
    for command in (
        "clcap train-mle captions.h5 lite0.h5 --init-from nt_1.pt --epochs 4 --lr 1e-3",
        "clcap train-cl --ref nt_1.pt --epochs 4 --lr 1e-3 --mle-weight 0.1",
        "clcap caption nt_1_cl_w.pt --split val --beam 5 --length-penalty 1",
        "clcap self-retrieve aa_1.pt --predictions aa_1.captions.json --split test --pool similar:100",
    ):
        assert command in process.stdout


def test_a_single_seed_or_table_needs_no_brackets(snakemake: Callable) -> None:
    process = snakemake(PIPELINES / "config" / "scenes.yaml", "-n", "--cores", "2", tables="ablation", seeds=1)
    assert planned(process)["evaluate"] == len(runs_of("ablation"))


def test_coco_files_are_given_by_split(snakemake: Callable, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    files = {split: f"{split}.json" for split in ("train", "val")}
    for name in files.values():
        (tmp_path / name).touch()
    arguments = ("captions.h5", "-n", "-p", "--cores", "1")
    process = snakemake(PIPELINES / "config" / "flickr8k.yaml", *arguments, dataset=json.dumps(files), images="images")
    assert f"clcap prepare-captions --train={tmp_path}/train.json --val={tmp_path}/val.json" in process.stdout


def test_missing_data_are_reported_before_any_job_runs(snakemake: Callable, tmp_path: Path) -> None:
    process = snakemake(PIPELINES / "config" / "flickr8k.yaml", "all", "--cores", "1", dataset="none.json")
    assert process.returncode == 1
    assert f"{tmp_path}/none.json" in process.stdout


def test_a_missing_configuration_is_explained(tmp_path: Path, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "snakemake", "-s", str(PIPELINES / "Snakefile"), "-n"]
    process = subprocess.run(words, cwd=tmp_path, env=environment, text=True, capture_output=True)
    assert "--configfile pipelines/config/scenes.yaml" in process.stdout + process.stderr


def test_tables_list_metrics_that_clcap_knows() -> None:
    names = {name for table in TABLES for name in table["metrics"]}
    assert names <= {metric.name for metrics in group_metrics(names).values() for metric in metrics if metric.meaning}


def test_the_error_message_of_a_failed_stage_is_shown(snakemake: Callable, tmp_path: Path) -> None:
    configuration = tmp_path / "wrong.yaml"
    configuration.write_text(TINY.read_text(encoding="utf-8").replace("--min-count 2", "--min-count 9999"))
    process = snakemake(configuration, "captions.h5", "--cores", "1")
    assert process.returncode == 1
    assert "error: no word occurs 9999 times in the training captions; lower --min-count" in process.stdout


def test_a_killed_run_continues_where_it_was(
    snakemake: Callable, arguments: Callable, environment: dict[str, str], tmp_path: Path
) -> None:
    made, targets = tmp_path / "made", ("nt_1_cl.metrics.json", "nt_1_ref1.pt")
    command = [sys.executable, "-m", "snakemake", *arguments(TINY, *targets, "--cores", "2")]
    started = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, stderr=-3)
    while not list(made.glob("logs/train_mle/*.log")):
        assert started.poll() is None
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    features = (made / "lite0.h5").stat().st_mtime_ns
    assert not list(made.glob("*_cl.pt"))

    assert "--unlock" in snakemake(TINY, *targets, "--cores", "2").stdout
    assert snakemake(TINY, "--unlock").returncode == 0
    process = snakemake(TINY, *targets, "--cores", "2")
    assert process.returncode == 0, process.stdout
    assert (made / "lite0.h5").stat().st_mtime_ns == features
    assert all((made / target).exists() for target in targets)
    assert "Nothing to be done" in snakemake(TINY, *targets, "--cores", "2").stdout


def test_coco_ids_are_read_from_file_names(tmp_path: Path) -> None:
    results = [{"image_id": f"data/val2014/COCO_val2014_{id:012}.jpg", "caption": "a cat"} for id in (42, 391895)]
    (tmp_path / "paths.json").write_text(json.dumps(results))
    command = [sys.executable, PIPELINES / "coco_ids.py", tmp_path / "paths.json", tmp_path / "ids.json"]
    subprocess.run(command, check=True)
    assert [result["image_id"] for result in json.loads((tmp_path / "ids.json").read_text())] == [42, 391895]
