"""Slow imports are announced while they run."""

import sys
from pathlib import Path

import pytest

from clcap_cli import console
from clcap_cli.command_line import slow_imports
from clcap_cli.verbosity import VERBOSITY


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package ``slowly`` that takes a fifth of a second, which counts as long."""
    (tmp_path / "slowly.py").write_text("import time; time.sleep(0.2); DONE = True")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(slow_imports, "SLOW", {"slowly": "Slowly"})
    monkeypatch.setattr(console, "SECONDS_UNTIL_STATUS", 0.0)
    monkeypatch.delitem(sys.modules, "slowly", raising=False)


def import_it() -> str:
    finders = list(sys.meta_path)
    with slow_imports.announced_imports():
        import slowly  # type: ignore[import-not-found]
    assert slowly.DONE and type(slowly.__loader__).__name__ == "SourceFileLoader"
    assert sys.meta_path == finders
    return str(slowly.__spec__.name)


def test_a_slow_import_is_announced(slow: None, capsys: pytest.CaptureFixture) -> None:
    assert import_it() == "slowly"
    assert capsys.readouterr().err == "loading Slowly…\n"


def test_in_a_terminal_the_line_disappears(slow: None, capsys: pytest.CaptureFixture, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    import_it()
    assert capsys.readouterr().err == "loading Slowly…\r\x1b[2K\r"


def test_quiet_announces_nothing(slow: None, capsys: pytest.CaptureFixture, monkeypatch) -> None:
    monkeypatch.setattr(VERBOSITY, "messages", False)
    import_it()
    assert capsys.readouterr().err == ""
