"""MkDocs hooks: pages of the site whose text is not in docs/, and links that lead out of docs/."""

import os
import re
from pathlib import Path

from commands import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "pipelines/README.md": "workflow.md",
    "examples/plugin/README.md": "plugin.md",
}
"""The page that a document outside docs/ becomes."""
LINK = re.compile(r"\[([^]\[]+)\]\(([^)#:]+)(#[^)]*)?\)")
"""A link within the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "commands.md", content=reference()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between documents of the repository into links between pages."""
    sources = {page: source for source, page in PAGES.items()}
    folder = Path(sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent
    return LINK.sub(lambda link: _for_the_site(link, folder), markdown)


def _for_the_site(link: re.Match[str], folder: Path) -> str:
    """The link from a document in ``folder``; its text alone where the site has no such page."""
    text, target, anchor = link.groups(default="")
    path = Path(os.path.normpath(folder / target))
    for document in (path, path / "README.md"):
        if str(document) in PAGES:
            return f"[{text}]({PAGES[str(document)]}{anchor})"
    if path.is_relative_to("docs"):
        return f"[{text}]({path.relative_to('docs')}{anchor})"
    return text if (ROOT / path).exists() else link[0]
