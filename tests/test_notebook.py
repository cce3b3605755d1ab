"""Progress bars in notebooks: one cell output that is redrawn in place and empty at the end."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from clcap_cli import console


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The successive contents of a cell output, recorded by a stand-in for IPython, which clcap does not require."""
    shown: list[str] = []

    def display(bar: object, display_id: bool = False) -> SimpleNamespace:
        def update(bar: object, raw: bool = False) -> None:
            shown.append(bar["text/plain"] if isinstance(bar, dict) else bar._repr_mimebundle_([], [])["text/plain"])

        assert display_id
        update(bar)
        return SimpleNamespace(update=update)

    module = ModuleType("IPython.display")
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    notebook = Console(stderr=True, force_jupyter=True)
    monkeypatch.setattr(console, "stderr", lambda: notebook)
    monkeypatch.setattr(console, "SECONDS_BETWEEN_DRAWINGS", 0)
    return shown


def test_a_bar_counts_and_disappears_at_the_end(drawings: list[str]) -> None:
    assert list(console.progress("abcd", 4, "counting")) == list("abcd")
    assert [text.count("counting") for text in drawings] == [1, 1, 1, 1, 1, 0]
    assert [f"{process}/4" in text for process, text in enumerate(drawings[:5])] == [True] * 5
    assert drawings[-1] == ""


def test_a_bar_disappears_after_an_error(drawings: list[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        for item in console.progress([1, 0], 2, "dividing"):
            _ = 1 / item
    assert "1/2" in drawings[-2] and drawings[-1] == ""


def test_a_bar_is_not_redrawn_for_every_item(drawings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_DRAWINGS", 1e9)
    assert sum(1 for _ in console.progress(range(1000), 1000, "counting")) == 1000
    assert len(drawings) == 2


def test_a_single_item_leaves_no_output(drawings: list[str]) -> None:
    assert list(console.progress("a", 1, "counting")) == ["a"]
    assert drawings == []
