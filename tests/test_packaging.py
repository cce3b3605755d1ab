"""The wheel is complete and works outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

from clcap_cli import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_is_complete_and_runs_anywhere(tmp_path: Path) -> None:
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    check_content(zipfile.ZipFile(wheel).namelist())
    check_commands(installed(wheel))


def installed(wheel: Path) -> Path:
    """The bin folder of a new environment with the wheel and access to its dependencies."""
    environment = wheel.parent / "venv"
    venv.create(environment)
    pip("--python", environment, "install", "--no-deps", "--no-index", wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin"


def pip(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *map(str, arguments)], check=True)


def output(folder: Path, *words: object) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.run(list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


def check_content(names: list[str]) -> None:
    sources = [path for path in (ROOT / "clcap_cli").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {str(path.relative_to(ROOT)) for path in sources}
    page = "clcap_cli/reporting/page"
    assert {"clcap_cli/py.typed", f"{page}/style/base.css", f"{page}/template/page.html.j2"} < expected
    assert {name for name in names if name.startswith("clcap_cli/")} == expected
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def check_commands(programs: Path) -> None:
    folder = programs.parent
    position = "import clcap_cli; print(clcap_cli.__file__)"
    assert Path(output(folder, programs / "python", "-c", position)).is_relative_to(folder)
    assert "Usage: clcap" in output(folder, programs / "clcap", "--help")
    assert output(folder, programs / "python", "-m", "clcap_cli", "--version") == f"{__version__}\n"
    scenes = ("make-scenes", "scenes", "--train", 2, "--val", 1, "--test", 1)
    assert output(folder, programs / "clcap", *scenes) == "scenes\n"
