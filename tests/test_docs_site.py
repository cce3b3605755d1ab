"""The documentation as a site: it builds without a warning, and its reference has every option."""

import re
from html import unescape
from itertools import filterfalse
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from clcap_cli.app import STAGES
from clcap_cli.command_line.description import is_hidden

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning, such as a broken link or anchor, is an error."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def test_the_site_is_complete_and_needs_no_network(site: Path) -> None:
    pages = [*site.glob("*/index.html"), site / "index.html"]
    assert len(pages) >= len(list((ROOT / "docs").glob("*.md"))) + 6
    for page in pages:
        loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(https?://[^"]*)"', page.read_text())
        assert loaded == [], page
    assert (site / "report.png").exists() and not list(site.rglob("*.py"))


def test_the_reference_has_every_option(site: Path) -> None:
    page = unescape(re.sub(r"<[^>]+>", "", (site / "commands" / "index.html").read_text()))
    for stage in STAGES:
        section = page.split(f"\n{stage.name}¶", 1)[1].split("¶", 1)[0]
        for one in filterfalse(is_hidden, stage.parameters):
            assert one.name.replace("_", "-") in section.lower().replace("_", "-"), (stage.name, one.name)
