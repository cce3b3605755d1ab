"""Automatic precision is bf16 only on processors with bf16 instructions."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.compute import precision
from clcap_cli.compute.precision import bf16_obstacle, choose_precision
from tests.conftest import CommandResult

CPU = torch.device("cpu")


def processor_with(flags: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "cpuinfo"
    path.write_text(f"processor\t: 0\nmodel name\t: made up\nflags\t\t: fpu {flags} sse\n\n")
    monkeypatch.setattr(precision, "CPU_INFO", path)


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [("avx2", "fp32"), ("avx512f avx512_vnni", "fp32"), ("avx512f avx512_bf16", "bf16"), ("amx_bf16 amx_tile", "bf16")],
)
def test_auto_precision_follows_the_processor_flags(
    flags: str, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor_with(flags, tmp_path, monkeypatch)
    assert choose_precision("auto", CPU) == chosen
    assert choose_precision("fp32", CPU) == "fp32"
    assert choose_precision("bf16", CPU) == "bf16"


def test_an_unknown_processor_gets_fp32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "none")
    assert choose_precision("auto", CPU) == "fp32"


@pytest.mark.parametrize(("capability", "fast"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_support_bf16_since_ampere(
    capability: tuple[int, int], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert (bf16_obstacle(torch.device("cuda")) is None) == fast


def test_the_chosen_precision_is_reported_and_stored(
    clcap: Callable[..., CommandResult], chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = ("train-cl", "--ref", chain / "nt.pt", "--k", 1, "--epochs", 1, "--device", "cpu")
    processor_with("avx2", tmp_path, monkeypatch)
    result = clcap(*train, "--out", chain / "auto.pt").err
    assert "precision: fp32 (no AVX-512-bf16 or AMX on this " in result
    auto = open_checkpoint(chain / "auto.pt")
    assert auto.provenance.settings["precision"] == auto.training["settings"]["precision"] == "fp32"
    result = clcap(*train, "--precision", "bf16", "--out", chain / "asked.pt").err
    assert "warning: --precision bf16 is much slower than fp32 here: no AVX-512-bf16 or AMX on this " in result
    assert open_checkpoint(chain / "asked.pt").training["settings"]["precision"] == "bf16"
