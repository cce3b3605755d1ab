"""A table as it is printed in a paper: texts, heads and marks, before its size and line breaks are chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from clcap_cli.reporting.tables.legend import BOLD


@dataclass(frozen=True)
class Entry:
    """A printed value."""

    text: str
    spread: str = ""
    """Text in small print beside or below the value."""
    bold: bool = False
    mark: str = ""
    """Sign after the value."""


@dataclass(frozen=True)
class SheetColumn:
    """A column of entries."""

    label: str
    entries: list[Entry]
    arrow: str = ""
    """Arrow after the label: which direction is better."""
    group: str = ""
    """Head above this and neighbouring columns; empty without one."""
    short_label: str = ""
    """An abbreviation of the label, which captions explain; empty without one."""

    note: str = ""
    """A sentence of the caption about the column; empty without one."""

    @property
    def head(self) -> str:
        """Label and arrow."""
        return f"{self.label} {self.arrow}".rstrip()

    def abbreviated(self) -> "SheetColumn":
        """The column with the short label, if it has one."""
        return replace(self, label=self.short_label or self.label)


@dataclass(frozen=True)
class Sheet:
    """A printed table."""

    title: str
    """Start of the caption, and source of the label."""
    images: str
    """The images of the values, which the caption names after the title; may be empty."""
    sentences: list[str]
    """Sentences of the caption about all values."""
    corner: str
    """Head of the column of row names."""
    names: list[str]
    columns: list[SheetColumn]
    legend: Mapping[str, str] = field(default_factory=dict)
    """A sentence for each sign and for bold values; the caption has those of the signs that occur."""
    spreads_below: bool = False
    """Whether spreads stand below their values instead of beside them."""
    ruled: frozenset[int] = frozenset()
    """Numbers of the rows that are separated from the row before by a line."""

    @property
    def caption(self) -> list[str]:
        """The sentences of the caption."""
        images = [f"{self.images[0].upper()}{self.images[1:]}."] if self.images else []
        notes = dict.fromkeys(column.note for column in self.columns if column.note)
        return [f"{self.title}.", *images, *self.sentences, *self._marks, *notes]

    @property
    def _marks(self) -> list[str]:
        entries = [entry for column in self.columns for entry in column.entries]
        found = {entry.mark for entry in entries} | {BOLD for entry in entries if entry.bold}
        return [sentence for mark, sentence in self.legend.items() if mark in found]

    @property
    def groups(self) -> list[tuple[str, list[SheetColumn]]]:
        """Neighbouring columns below the same head, and that head."""
        return [(title, list(columns)) for title, columns in groupby(self.columns, lambda column: column.group)]

    def with_rows(self, rows: Sequence[int]) -> "Sheet":
        """The sheet with only these rows."""
        columns = [replace(column, entries=[column.entries[row] for row in rows]) for column in self.columns]
        ruled = frozenset(number for number, row in enumerate(rows) if row in self.ruled)
        return replace(self, names=[self.names[row] for row in rows], columns=columns, ruled=ruled)

    def abbreviated(self) -> "Sheet":
        """The sheet with short heads, explained by a sentence of its caption."""
        short = [column for column in self.columns if column.short_label]
        if not short:
            return self
        meaning = f"{', '.join(c.short_label for c in short)}: {', '.join(c.label for c in short)}."
        columns = [column.abbreviated() for column in self.columns]
        return replace(self, columns=columns, sentences=[*self.sentences, meaning])
