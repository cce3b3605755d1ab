"""Plugins of installed packages, and plugins that cannot be used."""

from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.registry import Registry


def install(folder: Path, package: str, group: str, *points: str) -> None:
    """Write the metadata of an installed package: its name and its entry points."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(points))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    (tmp_path / "rude_module.py").write_text("raise SystemExit('never mind')")
    install(
        tmp_path,
        "first",
        "clcap.test",
        "ordered = collections:OrderedDict",
        "gone = no_such_module:Thing",
        "rude = rude_module:Thing",
        "number = math:pi",
        "own = collections:Counter",
        "both = collections:Counter",
    )
    install(tmp_path, "second", "clcap.test", "both = collections:OrderedDict")
    monkeypatch.syspath_prepend(tmp_path)
    return Registry("dictionary", "clcap.test", {"own": "builtins:dict"}, base_class="builtins:dict")


def test_a_package_adds_to_the_entries_of_clcap(registry: Registry) -> None:
    assert registry.names == ["own", "both", "gone", "number", "ordered", "rude"]
    assert registry.get("own") is dict
    assert registry.get("ordered").__name__ == "OrderedDict"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("rude", "cannot be loaded: SystemExit: never mind"),
        ("number", "cannot be used: math:pi is not a class derived from dict"),
        ("both", "cannot be used: second 1.0 has one with the same name"),
    ],
)
def test_plugins_that_cannot_be_used_give_one_line(registry: Registry, name: str, reason: str) -> None:
    with pytest.raises(ClcapError) as error:
        registry.get(name)
    assert str(error.value) == f"the dictionary '{name}' of the package first 1.0 {reason}"


def test_names_of_clcap_cannot_be_overridden(registry: Registry) -> None:
    (point,) = (point for point in registry.plugins if point.name == "own")
    with pytest.raises(ClcapError, match="'own' of the package first 1\\.0 cannot be used: clcap has"):
        registry.load(point)


def test_an_unknown_name_is_refused_with_the_nearest(registry: Registry) -> None:
    with pytest.raises(ClcapError, match="unknown dictionary 'orderd'; did you mean ordered"):
        registry.get("orderd")
