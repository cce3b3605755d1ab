"""Commands that benchmarks measure in processes of their own."""

import sys
from pathlib import Path

from tests.benchmarks.commands import clcap, usage
from tests.benchmarks.memory import peak_of


def test_a_command_runs_the_code_of_its_checkout(tmp_path: Path) -> None:
    package = tmp_path / "clcap_cli"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("open('ran', 'w').close()")
    usage(clcap(), tmp_path)
    assert (tmp_path / "ran").exists()


def test_peak_memory_excludes_that_of_the_parent() -> None:
    assert 1 < usage([sys.executable, "-c", "import time; time.sleep(0.2)"]).mebibytes < peak_of() / 2
