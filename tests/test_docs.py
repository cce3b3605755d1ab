"""Commands, options and links in documentation and scripts are valid."""

import ast
import re
import shlex
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import typer

from clcap_cli import __version__
from clcap_cli.app import app
from clcap_cli.command_line.general import CLCAP_OPTIONS

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
NAMES = "|".join(COMMANDS)
SCRIPTS = sorted([*ROOT.glob("examples/*.sh"), *ROOT.glob("tests/*.sh"), ROOT / ".ci" / "run"])
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("pipelines/*.md"), *ROOT.glob("examples/*/*.md")]
)
CHANGELOG = ROOT / "CHANGELOG.md"
"""Has commands of earlier versions too."""
PLUGIN = ROOT / "examples" / "plugin" / "README.md"
"""Its names are valid where the package is installed."""
TEXTS = [*SCRIPTS, ROOT / "pipelines" / "Snakefile", *(page for page in PAGES if page != CHANGELOG)]
BLOCK = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"`[^`]*\b(?:clcap|bash|python|snakemake) [^`]+`")


def calls() -> list[tuple[str, str]]:
    """Every call of clcap in scripts, workflows and pages, as (file, call)."""
    actual = []
    for path in TEXTS:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        actual += [(path.name, call) for call in re.findall(rf"clcap ((?:{NAMES}) [^`│►\n]*)", text)]
    return actual


def block_commands() -> list[str]:
    """Every command of clcap in a code block of a page, with its arguments."""
    pages = [page for page in PAGES if page not in (CHANGELOG, PLUGIN)]
    blocks = [block for page in pages for block in BLOCK.findall(page.read_text(encoding="utf-8"))]
    actual = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in actual if re.match(rf"\s*clcap (?:{NAMES}) ", line) and "$" not in line]


def links(page: Path) -> list[str]:
    """The link targets of a page without anchors; links in code blocks do not count."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if target != "commands.md"]


def test_there_are_scripts_and_calls() -> None:
    assert len(SCRIPTS) >= 7
    assert len(calls()) >= 60
    assert len(block_commands()) >= 30
    assert sum(len(links(page)) for page in PAGES) >= 50


@pytest.mark.parametrize("command", COMMANDS)
def test_every_stage_is_in_the_docs(command: str) -> None:
    assert f"| `{command}` |" in (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "call"), calls())
def test_every_option_in_commands_exists(file: str, call: str) -> None:
    command = COMMANDS[call.split()[0]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    used = set(re.findall(r"(?<!\S)--[a-z-]+", call.split("#")[0]))
    assert used <= known | {"--help"}


@pytest.mark.parametrize("command", block_commands())
def test_commands_in_code_blocks_are_valid(command: str) -> None:
    _, name, *arguments = shlex.split(command, comments=True)
    COMMANDS[name].make_context(name, arguments)  # raises an error for a wrong command line


def test_options_in_the_docs_exist() -> None:
    """Also those that stand without a command; benchmarks, fuzzing and other programs have a few of their own."""
    known = {
        option for command in COMMANDS.values() for one in command.params for option in [*one.opts, *one.secondary_opts]
    }
    sources = [*(ROOT / "tests" / "benchmarks").glob("*.py"), *(ROOT / "examples").glob("*.py")]
    programs = [path.read_text(encoding="utf-8") for path in sources]
    benchmarks = re.findall(r'add_argument\(\s*"(--[a-z-]+)"', "\n".join(programs))
    own = {"--failures", "--inputs", "--samples", *benchmarks, *CLCAP_OPTIONS}
    torchrun = {"--nproc-per-node", "--nnodes", "--rdzv-backend", "--rdzv-endpoint"}
    others = own | torchrun | {"--configfile", "--cores", "--logdir", "--backend-store-uri", "--wrap"}
    for page in (ROOT / "docs").glob("*.md"):
        used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text(encoding="utf-8")))
        assert used - known - others == set(), page.name


def test_values_in_the_docs_exist() -> None:
    """Names of metrics and of fields of training logs in docs/metrics.md exist in the code."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "clcap_cli").rglob("*.py"))
    rows = re.findall(r"^\| (`[^|]+`) \|", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE)
    names = {name.removeprefix("val_") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    written = {name for name in names if not re.search(r"\d|R@k|BLEU-k|score_|_best_of_|_mean_of_", name)}
    assert len(written) >= 30
    assert {name for name in written if name not in code} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    assert [target for target in links(page) if not (page.parent / target).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_numbers_in_the_readme_follow_their_command() -> None:
    sections = README.split("\n## ")
    measured = [section for section in sections if re.search(r"\d\.\d{3}", section)]
    assert len(measured) >= 2
    assert all(COMMAND.search(section) or re.search(r"\nclcap[ .]", section) for section in measured)


def test_versions_agree() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_valid_and_stop_at_the_first_failure(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = re.findall(r"^\| `([a-z_.]+)/?` \|", ARCHITECTURE, flags=re.MULTILINE)
"""From the highest to the lowest."""
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "clcap_cli").rglob("*.py")
}


def imports_of(module: str) -> set[str]:
    """The modules of clcap that a module imports, also inside functions and for annotations alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found & set(MODULES)


IMPORTS = {module: imports_of(module) for module in MODULES}


def height(module: str) -> int:
    """Position of a module's package, 0 for the highest; modules outside packages are below all packages."""
    package = module.split(".")[1:2] or ["__init__"]
    name = {"app": "app.py", "__main__": "app.py"}.get(package[0], package[0])
    return PACKAGES.index(name) if name in PACKAGES else len(PACKAGES)


def test_the_architecture_has_every_package() -> None:
    packages = {path.parent.name for path in (ROOT / "clcap_cli").glob("*/__init__.py")}
    assert sorted(PACKAGES) == sorted({*packages, "app.py"})


def test_no_package_imports_a_higher_one() -> None:
    assert sum(map(len, IMPORTS.values())) > 400
    upward = [(one, other) for one, found in IMPORTS.items() for other in found if height(other) < height(one)]
    assert upward == []


def test_there_are_no_import_cycles() -> None:
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError, which names the cycle


def test_paths_in_the_architecture_exist() -> None:
    paths = re.findall(r"(new )?`((?:[\w.-]+/)*[\w-]+(?:/|\.(?:py|md|toml|json)))`", ARCHITECTURE)
    assert len(paths) > 70
    for new, path in paths:
        positions = [folder / path for folder in (ROOT, ROOT / "clcap_cli")]
        exists = any(position.parent.is_dir() if new else position.exists() for position in positions)
        assert exists, path
