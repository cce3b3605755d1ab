"""The package of examples/plugin, installed: its captioner, objective, metric and backbone in every stage."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.conftest import CommandResult
from tests.pipelines.conftest import PIPELINES, ROOT, TINY
from tests.test_registry import install

Clcap = Callable[..., CommandResult]
SMALL = ("--epochs", 1, "--device", "cpu")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed in it."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(ROOT / "examples" / "plugin", folder / "source")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", folder / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    return folder / "site"


@pytest.fixture
def installed(site: Path, install_packages: Callable[[Path], None]) -> None:
    """This process finds the package."""
    install_packages(site)


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a command in a process that finds the package."""

    def run(*arguments: object) -> subprocess.CompletedProcess:
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        path = os.pathsep.join(map(str, [site, tmp_path / "more", ROOT]))
        environment = {**os.environ, "PATH": tools, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        return subprocess.run(list(map(str, arguments)), cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


@pytest.mark.usefixtures("installed")
def test_its_captioner_is_trained_with_its_objective(chain: Path, clcap: Clcap) -> None:
    files = (chain / "captions.h5", chain / "features.h5", "--out", chain / "gru.pt")
    result = clcap("train-mle", *files, "--model", "gru", "--model-option", "hidden_size=16", *SMALL)
    assert (result.status, result.out) == (0, f"{chain}/gru.pt\n"), result.err
    train = ("train-cl", "--ref", chain / "gru.pt", "--objective", "hinge", *SMALL, "--objective-option")
    result = clcap(*train, "margin=2")
    assert (result.status, result.out) == (0, f"{chain}/gru_hinge.pt\n"), result.err
    assert clcap("caption", chain / "gru_hinge.pt", "--device", "cpu").status == 0

    for option, reason in (
        ("margin=-1", "margin: must be greater than 0, not '-1'"),
        ("colour=red", "colour: the objective hinge does not accept it; its options: mle_weight, margin"),
        ("margin", "--objective-option: 'margin' is not NAME=VALUE, such as margin=2"),
    ):
        result = clcap(*train, option)
        assert (result.status, result.err) == (2, f"error: {reason} (see clcap train-cl --help)\n")


@pytest.mark.usefixtures("installed")
def test_its_metric_is_computed_explained_and_compared(chain: Path, clcap: Clcap) -> None:
    result = clcap("evaluate", chain / "nt.pt", "--metrics", "ROUGE_L,colours", "--device", "cpu")
    assert result.status == 0 and "\n  names_colour " in result.err, result.err
    metrics = chain / "nt.metrics.json"
    assert "\nnames_colour " in clcap("compare", metrics, metrics).out
    assert "names_colour" in clcap("report", metrics, "--text").out


@pytest.mark.usefixtures("installed")
def test_its_backbone_extracts_features(chain: Path, clcap: Clcap) -> None:
    files = (chain / "captions.h5", "--images", chain / "scenes" / "images", "--out", chain / "patches.h5")
    result = clcap("extract-features", *files, "--backbone", "patches", "--image-size", 64, "--device", "cpu")
    assert "patches at 64 pixels: 16 regions of 64, pooled 64" in result.err, result.err
    small = ("--embedding", 8, "--hidden", 8, *SMALL, "--out", chain / "patches.pt")
    assert clcap("train-mle", chain / "captions.h5", chain / "patches.h5", *small).status == 0
    image = chain / "scenes" / "images" / "0_000001.png"
    assert clcap("caption", chain / "patches.pt", "--images", image, "--device", "cpu").status == 0


def test_without_the_package_its_checkpoint_names_the_model(error_of: Callable[..., str], chain: Path) -> None:
    content = torch.load(chain / "nt.pt", weights_only=True)
    torch.save({**content, "model": "gru"}, chain / "gru.pt")
    missing = f"{chain}/gru.pt has a model 'gru', which clcap does not include; install the package that adds it"
    for stage in ("caption", "show"):
        assert error_of(stage, chain / "gru.pt") == missing


@pytest.mark.usefixtures("installed")
def test_doctor_lists_plugins_and_those_that_fail_to_load(
    tmp_path: Path, clcap: Clcap, install_packages: Callable[[Path], None]
) -> None:
    install(tmp_path / "more", "broken", "clcap.objectives", "lost = no_such_module:Thing")
    install_packages(tmp_path / "more")
    result = clcap("doctor")
    assert "ok      model     gru, of the package clcap-example 0.1.0\n" in result.out
    assert "ok      objective hinge, of the package clcap-example 0.1.0\n" in result.out
    assert "ok      metric    colours, of the package clcap-example 0.1.0\n" in result.out
    assert "ok      backbone  patches, of the package clcap-example 0.1.0\n" in result.out
    lost = "the objective 'lost' of the package broken 1.0 cannot be loaded: ModuleNotFoundError: No module named"
    assert f"FAILED  objective {lost} 'no_such_module'\n" in result.out
    assert result.status == 1
    assert "Traceback" not in result.out + result.err


def test_the_workflow_accepts_its_objective(run: Callable) -> None:
    arguments = (
        "-s",
        PIPELINES / "Snakefile",
        "nt_1_hinge.pt",
        "nt_1_simpo.pt",
        "nt_1_gan.discriminator.pt",
        "-n",
        "-p",
    )
    process = run(sys.executable, "-m", "snakemake", *arguments, "--cores", 1, "--configfile", TINY)
    assert process.returncode == 0, process.stdout + process.stderr
    for name in ("hinge", "simpo", "adversarial"):
        assert f"--objective {name} " in process.stdout
