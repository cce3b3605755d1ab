"""The workflow on SLURM and Kubernetes: what jobs request, and how they are started. `bash tests/slurm.sh` runs it."""

import re
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.pipelines.conftest import PIPELINES, ROOT, TINY
from tests.pipelines.snakemake_process import run_snakemake

PROFILES = PIPELINES / "profiles"
ON_GPU = re.compile("extract_features|train_|swap_reference|caption(?!s)|self_retrieve")
"""Rules that run a network, by the start of their names."""
KUBECTL = """#!/usr/bin/env bash
# A stand-in for kubectl, whose cluster runs the script of a job at once: "create" keeps the manifest, "get" is asked
# how the job ended.
folder=$(dirname "$0")
if [ "$1" = create ]; then
  cat > "$folder/job.yaml"
  (cd / && sh "$(sed -n 's/.*command: \\[sh, "\\(.*\\)"\\]/\\1/p' "$folder/job.yaml")") > "$folder/job.log" 2>&1
  echo $? > "$folder/status"
  echo job.batch/clcap-1
else
  [ "${*: -1}" = job.batch/clcap-1 ] && [ "$(cat "$folder/status")" = 0 ] && echo success || echo failed
fi
"""
RECORDER = '#!/usr/bin/env bash\necho "$(basename "$0") $*"\n'


def requests(output: str) -> dict[str, set[str]]:
    """What the jobs of each rule request, from the output of a dry run; local rules request nothing."""
    found = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", output, flags=re.MULTILINE)
    return {rule: set(resources.split(", ")) for rule, resources in found if rule != "choose_tables"}


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_every_job_requests_memory_time_and_a_gpu_if_it_runs_a_network(profile: str, snakemake: Callable) -> None:
    targets = ("all", "negatives", "pools", "rates", "decoding")
    arguments = (*targets, "-n", "--profile", str(PROFILES / profile))
    process = snakemake(PIPELINES / "config" / "scenes.yaml", *arguments, seeds=1)
    assert process.returncode == 0, process.stdout
    requested = requests(process.stdout)
    assert len(requested) >= 22
    for rule, resources in requested.items():
        assert ("gpu=1" in resources) == bool(ON_GPU.match(rule)), rule
        assert any(re.fullmatch(r"mem_mb=\d{4,}", resource) for resource in resources), rule
        assert any(re.fullmatch(r"runtime=\d{2,}", resource) for resource in resources), rule


def test_a_job_that_is_repeated_gets_more_memory(snakemake: Callable) -> None:
    arguments = ("nt_1.pt", "-n", "--profile", str(PROFILES / "slurm"), "--attempt")
    first, second = (
        requests(snakemake(PIPELINES / "config" / "scenes.yaml", *arguments, attempt).stdout)["train_mle"]
        for attempt in ("1", "2")
    )
    memory = [int(re.search(r"mem_mb=(\d+)", " ".join(found))[1]) for found in (first, second)]  # type: ignore[index]
    assert memory[1] == 2 * memory[0]


def test_a_job_that_starts_in_the_output_folder_writes_there(
    arguments: Callable, environment: dict[str, str], tmp_path: Path
) -> None:
    """SLURM starts the command of a job in the folder in which Snakemake is, not in which it was started."""
    (tmp_path / "made").mkdir()
    inherited = {**environment, "CLCAP_STARTED_IN": str(tmp_path)}
    process = run_snakemake(arguments(TINY, "captions.h5", "-n", folder="made"), tmp_path / "made", inherited)
    assert process.returncode == 0, process.stdout
    assert not (tmp_path / "made" / "made").exists()


def test_a_kubernetes_job_runs_a_stage_on_the_volume(
    snakemake: Callable, environment: dict[str, str], tmp_path: Path
) -> None:
    write_program(tmp_path / "tools" / "kubectl", KUBECTL)
    environment["PATH"] = f"{tmp_path / 'tools'}:{environment['PATH']}"
    profile = str(PROFILES / "kubernetes")
    options = ("--profile", profile, "--seconds-between-status-checks", "1")
    process = snakemake(TINY, "scenes/captions_train.json", *options)
    assert process.returncode == 0, process.stdout
    assert (tmp_path / "made" / "scenes" / "captions_train.json").exists()
    pod = yaml.safe_load((tmp_path / "tools" / "job.yaml").read_text())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["requests"]["cpu"] == 1
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 0
    (volume,) = pod["volumes"]
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/data"}]


def test_a_training_on_several_nodes_starts_a_torchrun_on_each(environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("srun", "scontrol"):
        write_program(tmp_path / "tools" / name, RECORDER)
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "8"}
    variables = {**environment, **job, "PATH": f"{tmp_path / 'tools'}:{environment['PATH']}"}
    command = ["bash", str(ROOT / "examples" / "slurm.sh"), "train-cl", "--ref", "nt.pt"]
    process = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert process.stdout.startswith("srun torchrun --nnodes 2 --nproc-per-node 8 --rdzv-id 7 --rdzv-backend c10d")
    assert process.stdout.endswith("-m clcap_cli train-cl --ref nt.pt\n")
    process = subprocess.run(command[:2], env=environment, capture_output=True, text=True)
    assert process.returncode == 2 and process.stderr.startswith("error: start this script with sbatch")


def test_the_image_is_made_of_what_is_there() -> None:
    text = (ROOT / "examples" / "Containerfile").read_text().replace("\\\n", " ")
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", text, flags=re.MULTILINE) for word in line.split()]
    assert {"constraints.txt", "clcap_cli", "pipelines"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (installed,) = re.findall(r"'\.\[(.+)\]'", text)
    assert set(installed.split(",")) == extras.keys() - {"docs", "test"}
    assert "USER clcap" in text
