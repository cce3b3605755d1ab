"""The package of examples/plugin, installed: its captioner, objective, metric and backbone through the command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.conftest import CLCAP
from tests.pipelines.conftest import PIPELINES, ROOT, TINY
from tests.test_registry import install

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed in it."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(ROOT / "examples" / "plugin", folder / "source")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", folder / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    return folder / "site"


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """A command in a process that finds the package."""

    def run(*words: object, cwd: Path = tmp_path) -> subprocess.CompletedProcess:
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        path = os.pathsep.join(map(str, [site, tmp_path / "more", ROOT]))
        environment = {**os.environ, "PATH": tools, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        return subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True)

    return run


def test_its_captioner_is_trained_by_its_objective(chain: Path, run: Run) -> None:
    small = ("--epochs", 1, "--device", "cpu")
    files = (chain / "captions.h5", chain / "features.h5", "--out", chain / "gru.pt")
    done = run(*CLCAP, "train-mle", *files, "--model", "gru", "--model-option", "hidden_size=16", *small)
    assert (done.returncode, done.stdout) == (0, f"{chain}/gru.pt\n"), done.stderr
    learn = (*CLCAP, "train-cl", "--ref", chain / "gru.pt", "--objective", "hinge", *small)
    done = run(*learn, "--objective-option", "margin=2")
    assert (done.returncode, done.stdout) == (0, f"{chain}/gru_hinge.pt\n"), done.stderr
    assert run(*CLCAP, "caption", chain / "gru_hinge.pt", "--device", "cpu").returncode == 0

    for option, reason in (
        ("margin=-1", "Invalid value for 'margin': Input should be greater than 0"),
        ("colour=red", "Invalid value for 'colour': the objective hinge does not accept it; its own options: margin"),
        ("margin", "Invalid value for '--objective-option': 'margin' is not NAME=VALUE, such as margin=2"),
    ):
        done = run(*learn, "--objective-option", option)
        assert (done.returncode, done.stderr) == (2, f"error: {reason} (see clcap train-cl --help)\n")


def test_its_metric_is_computed_explained_and_compared(chain: Path, run: Run) -> None:
    scored = run(*CLCAP, "evaluate", chain / "nt.pt", "--metrics", "ROUGE_L,colours", "--device", "cpu")
    assert scored.returncode == 0 and "\nnames_colour " in scored.stderr, scored.stderr
    files = (chain / "nt.metrics.json", chain / "nt.metrics.json")
    assert "\nnames_colour " in run(*CLCAP, "compare", *files).stdout
    assert "names_colour" in run(*CLCAP, "report", files[0], "--text").stdout


def test_its_backbone_makes_features(chain: Path, run: Run) -> None:
    files = (chain / "captions.h5", "--images", chain / "scenes" / "images", "--out", chain / "patches.h5")
    done = run(*CLCAP, "extract-features", *files, "--backbone", "patches", "--image-size", 64, "--device", "cpu")
    assert "patches at 64 pixels: 16 regions of 64, pooled 64" in done.stderr, done.stderr
    small = ("--embedding", 8, "--hidden", 8, "--epochs", 1, "--device", "cpu", "--out", chain / "patches.pt")
    assert run(*CLCAP, "train-mle", chain / "captions.h5", chain / "patches.h5", *small).returncode == 0
    picture = chain / "scenes" / "images" / "0_000001.png"
    assert run(*CLCAP, "caption", chain / "patches.pt", "--images", picture, "--device", "cpu").returncode == 0


def test_without_the_package_its_checkpoint_says_what_is_missing(refused: Callable[..., str], chain: Path) -> None:
    content = torch.load(chain / "nt.pt", weights_only=True)
    torch.save({**content, "model": "gru"}, chain / "gru.pt")
    missing = f"{chain}/gru.pt has a model 'gru', which is none of clcap's; install the package that adds it"
    for stage in ("caption", "show"):
        assert refused(stage, chain / "gru.pt") == missing


def test_doctor_lists_what_packages_offer_and_what_cannot_be_loaded(tmp_path: Path, run: Run) -> None:
    install(tmp_path / "more", "broken", "clcap.objectives", "lost = no_such_module:Thing")
    done = run(*CLCAP, "doctor")
    assert "ok      model     gru, of the package clcap-example 0.1.0\n" in done.stdout
    assert "ok      objective hinge, of the package clcap-example 0.1.0\n" in done.stdout
    assert "ok      metric    colours, of the package clcap-example 0.1.0\n" in done.stdout
    assert "ok      backbone  patches, of the package clcap-example 0.1.0\n" in done.stdout
    lost = "the objective 'lost' of the package broken 1.0 cannot be loaded: ModuleNotFoundError: No module named"
    assert f"FAILED  objective {lost} 'no_such_module'\n" in done.stdout
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_the_workflow_knows_its_objective(run: Run, tmp_path: Path) -> None:
    words = ("-s", PIPELINES / "Snakefile", "nt_1_hinge.pt", "nt_1_simpo.pt", "nt_1_gan.discriminator.pt", "-n", "-p")
    done = run(sys.executable, "-m", "snakemake", *words, "--cores", 1, "--configfile", TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("hinge", "simpo", "adversarial"):
        assert f"--objective {name} " in done.stdout
