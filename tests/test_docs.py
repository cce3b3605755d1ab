"""The README and the scripts speak of what is there."""

import re
import subprocess
from pathlib import Path

import pytest
import typer

from clcap_cli.app import app

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
NAMES = "|".join(COMMANDS)
SCRIPTS = sorted([*ROOT.glob("examples/*.sh"), *ROOT.glob("tests/*.sh"), ROOT / ".ci" / "run"])
TEXTS = sorted(
    [
        *ROOT.glob("examples/*.sh"),
        ROOT / "pipelines" / "Snakefile",
        ROOT / "README.md",
        *ROOT.glob("pipelines/*.md"),
        *ROOT.glob("docs/*.md"),
    ]
)


def calls() -> list[tuple[str, str]]:
    """Every call of clcap in scripts, workflows and README: (file, call)."""
    found = []
    for path in TEXTS:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        found += [(path.name, call) for call in re.findall(rf"clcap ((?:{NAMES}) [^`│►\n]*)", text)]
    return found


def test_there_are_scripts_and_calls() -> None:
    assert len(SCRIPTS) >= 7
    assert len(calls()) >= 40


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_has_every_stage(command: str) -> None:
    assert f"| `{command}` |" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "call"), calls())
def test_every_option_that_is_written_down_exists(file: str, call: str) -> None:
    command = COMMANDS[call.split()[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    used = set(re.findall(r"(?<!\S)--[a-z-]+", call.split("#")[0]))
    assert used <= known | {"--help"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_valid_and_stop_at_the_first_failure(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_folders_in_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = re.findall(r"^\| `([a-z_/]+/)` \|", text, flags=re.MULTILINE)
    assert len(folders) == 16
    assert all((ROOT / folder).is_dir() for folder in folders)
    rooms = {f"clcap_cli/{path.parent.name}/" for path in (ROOT / "clcap_cli").glob("*/__init__.py")}
    assert rooms <= set(folders)
