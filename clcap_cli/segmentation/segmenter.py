"""The definition of a segmentation: one record for each value of --tokenize."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from clcap_cli.extras import OPTIONAL_PACKAGES, distribution_of, import_optional

SPACE = "▁"
"""The token for a space between other tokens; metrics do not count it."""


@dataclass(frozen=True)
class Segmenter:
    """A way to split captions into tokens, and to join tokens to captions."""

    name: str
    """Value of --tokenize, and name in files and signatures."""
    split: Callable[[str], list[str]] = field(compare=False)
    """Function from a caption to its tokens, with ``SPACE`` for spaces that ``join`` could not restore."""
    join: Callable[[Iterable[str]], str] = field(compare=False)
    """Function from tokens to a caption with spaces where the language has them."""
    unit: str = field(default="words", compare=False)
    """What a token is called in messages, in the plural."""
    modules: tuple[str, ...] = field(default=(), compare=False)
    """Modules of other packages that determine the tokens; the versions of the packages are part of signatures."""
    tokenizer_json: str = ""
    """Content of the tokenizer.json that splits captions; empty for other segmentations."""

    def text(self, caption: str) -> str:
        """The caption as metrics count it: its tokens, separated by single spaces."""
        tokens = (SPACE.join(token.split()) for token in self.split(caption))
        return " ".join(token for token in tokens if token.strip(SPACE))

    @property
    def signature(self) -> str:
        """The segmentation with the versions of its packages."""
        packages = [distribution_of(module) for module in self.modules]
        versions = ", ".join(f"{package}-{version(package)}" for package in packages)
        return f"{self.name} ({versions})" if versions else self.name

    def record(self) -> dict[str, Any]:
        """JSON data from which ``segmenter_from_record`` rebuilds the segmenter."""
        return {"name": self.name, **({"json": self.tokenizer_json} if self.tokenizer_json else {})}

    def check_packages(self) -> None:
        """Raise ClcapError unless the packages can be imported; the message names how to install them."""
        for module in OPTIONAL_PACKAGES.keys() & self.modules:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages that use deprecated parts of Python
                import_optional(module, f"--tokenize {self.name}")
