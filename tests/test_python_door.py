"""The public names of ``import clcap_cli as clcap``."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import clcap_cli as clcap
from clcap_cli.app import STAGES
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.stages.stage import Stage
from tests.python_stub import STUB, stub


def test_importing_clcap_imports_no_heavy_package() -> None:
    code = "import sys, clcap_cli; dir(clcap_cli); print(*sorted(name for name in sys.modules if '.' not in name))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "clcap_cli" in process.stdout.split()
    assert not {"torch", "numpy", "h5py", "typer", "rich", "pydantic", "PIL"} & set(process.stdout.split())


def test_every_public_name_exists_and_is_listed() -> None:
    assert set(clcap.__all__) <= set(dir(clcap))
    assert all(getattr(clcap, name) is not None for name in clcap.__all__)
    with pytest.raises(AttributeError, match="module 'clcap_cli' has no attribute 'train'"):
        _ = clcap.train  # type: ignore[attr-defined]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_is_a_function(stage: Stage) -> None:
    assert getattr(clcap, stage.function.__name__) is stage
    assert list(inspect.signature(stage).parameters) == [one.name for one in stage.parameters]
    assert all(f"    {one.name}: {one.help}" in inspect.getdoc(stage).splitlines() for one in stage.parameters)


def test_errors_are_those_of_the_command_line() -> None:
    assert (clcap.ClcapError, clcap.InvalidValueError) == (ClcapError, InvalidValueError)
    with pytest.raises(clcap.InvalidValueError, match=r"^k: must be greater than or equal to 1, not '0'$"):
        clcap.train_cl(ref="nt.pt", k=0)
    with pytest.raises(clcap.ClcapError, match=r"^no such file: none\.pt$"):
        clcap.train_cl(ref="none.pt")


def test_the_type_stub_is_up_to_date() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), "options changed: run python -m tests.python_stub"
    assert (Path(clcap.__file__).parent / "py.typed").exists()
