"""An option whose package is not installed names it and the command that installs it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

import clcap_cli
from clcap_cli.errors import ClcapError
from clcap_cli.extras import OPTIONAL_PACKAGES, import_optional
from clcap_cli.stages import doctor
from tests.tokenizers.subwords import write_bpe

PACKAGE = Path(clcap_cli.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
ELSEWHERE = {"IPython", "fsspec", "markupsafe", "packaging", "pydantic_core"}
"""Modules that are there wherever they are imported: of notebooks, PyTorch, jinja2, matplotlib and pydantic."""


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[><=\[;]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def imported_modules() -> set[str]:
    """The first part of the name of every module that clcap imports, except clcap's own and those of Python."""
    names = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module or "")
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"clcap_cli"}


def test_every_imported_package_is_required_or_optional() -> None:
    distributions, required = packages_distributions(), names_of(PROJECT["dependencies"])
    imported = imported_modules()
    assert len(imported) > 10
    for module in imported - set(OPTIONAL_PACKAGES) - ELSEWHERE:
        assert required & {name.lower().replace("_", "-") for name in distributions[module]}, module


@pytest.mark.parametrize("module", OPTIONAL_PACKAGES)
def test_every_optional_package_is_in_its_extra(module: str) -> None:
    package = OPTIONAL_PACKAGES[module]
    assert (package.distribution or module) in names_of(PROJECT["optional-dependencies"][package.extra])


@pytest.mark.parametrize("module", OPTIONAL_PACKAGES)
def test_a_missing_package_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = OPTIONAL_PACKAGES[module]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ClcapError) as error:
        import_optional(module, "--option")
    assert str(error.value) == (
        f"--option needs the package {package.distribution or module}, which is not installed: "
        f"pip install 'clcap[{package.extra}]'"
    )


def test_a_broken_package_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokenizers.py").write_text("import missing_library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tokenizers", raising=False)
    reason = "which is installed but cannot be imported: ModuleNotFoundError: No module named 'missing_library'"
    with pytest.raises(ClcapError, match=reason):
        import_optional("tokenizers", "t.json")


def test_a_stage_names_the_extra_it_needs(chain: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = write_bpe(chain / "tokenizer.json", ["a red ring"])
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    message = error_of("train-mle", chain / "captions.h5", chain / "features.h5", "--tokenizer", tokenizer)
    assert message == f"{tokenizer} needs the package tokenizers, which is not installed: pip install 'clcap[hf]'"


def test_doctor_tells_what_is_missing(clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_builtin_checks", lambda thread: [])
    monkeypatch.setattr(doctor, "is_installed", lambda module: False)
    result = clcap("doctor")
    line = next(line for line in result.out.splitlines() if line.startswith("missing"))
    assert line == (
        "missing hf        train-mle --tokenizer tokenizer.json, of Hugging Face: to use it, pip install 'clcap[hf]'"
    )
    assert result.status == 0


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("clcap-needs-this", "needs clcap-needs-this, which is not installed"),
        ("numpy<1", f"needs numpy<1, but {version('numpy')} is installed"),
    ],
)
def test_doctor_names_an_unmet_requirement(requirement: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    required = ["numpy>1", "unneeded; extra == 'test'", requirement]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required)
    with pytest.raises(ClcapError, match=f"^sentence-transformers {problem}$"):
        doctor._optional_package("sentence_transformers")


@pytest.mark.parametrize(
    ("module", "tokenize"), [("jieba", "jieba"), ("MeCab", "mecab"), ("ipadic", "mecab"), ("pythainlp", "thai")]
)
def test_languages_name_the_extra_they_need(
    module: str, tokenize: str, tmp_path: Path, error_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.csv").write_text("image,caption\na.jpg,a dog\n")
    monkeypatch.setitem(sys.modules, module, None)
    arguments = ("prepare-captions", "--train", tmp_path / "c.csv", "--tokenize", tokenize)
    assert error_of(*arguments, "--out", tmp_path / "c.h5").endswith(
        f"which is not installed: {OPTIONAL_PACKAGES[module].install_command}"
    )
    assert not (tmp_path / "c.h5").exists()


def test_heic_images_name_the_extra_they_need(shared_chain: Path, tmp_path: Path, error_of, monkeypatch) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    message = error_of("caption", shared_chain / "nt.pt", "--images", tmp_path / "a.heic", "--out", tmp_path / "o.json")
    assert message.endswith("it is a HEIC image; to read it: pip install 'clcap[heif]'")
