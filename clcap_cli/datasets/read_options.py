"""How users' caption files are to be read, where their content does not say it."""

import codecs
from dataclasses import dataclass
from typing import Annotated

from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, named_values

ROLES = ("id", "image", "caption", "split")
"""What clcap needs from a table: the image's id and file name, a caption or several, and the split."""


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading caption files; by default, the encoding and the columns are recognised."""

    columns: Annotated[
        str | None,
        Option(
            "Columns or keys of caption files, such as image=photo,caption=title; the roles are id, image, caption "
            "and split.",
            default="recognised by their names",
            placeholder="ROLE=COLUMN",
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Option(
            "Encoding of text files that are not UTF-8 or UTF-16, such as latin-1.", default="none", placeholder="NAME"
        ),
    ] = None

    def __post_init__(self) -> None:
        for role in self.column_names:
            if role not in ROLES:
                raise InvalidValueError("columns", f"unknown role '{role}'; expected one of: {', '.join(ROLES)}")
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise InvalidValueError("encoding", f"unknown encoding '{self.encoding}'; try utf-8, utf-16 or latin-1")

    @property
    def column_names(self) -> dict[str, str]:
        """The given column for each role."""
        return named_values("columns", self.columns.split(","), "image=photo") if self.columns else {}


def _is_text_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):  # ValueError: the name contains a NUL character
        return False
