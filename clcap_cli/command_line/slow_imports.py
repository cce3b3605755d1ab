"""Says what is being imported while a start takes long: PyTorch alone takes seconds."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from clcap_cli.console import status

SLOW = {"torch": "PyTorch"}
"""What messages call these packages."""


@contextmanager
def announced_imports() -> Iterator[None]:
    """Within the block, show which slow package is being imported."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    """Finds slow packages as Python does, and wraps their loaders."""

    def __init__(self) -> None:
        self.sought: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in SLOW or fullname in self.sought:
            return None
        self.sought.add(fullname)
        spec = find_spec(fullname)  # asks this finder too, which passes the second time
        if spec and spec.loader:
            spec.loader = _AnnouncingLoader(spec.loader, SLOW[fullname])
        return spec


class _AnnouncingLoader(Loader):
    def __init__(self, loader: Loader, name: str):
        self.loader, self.name = loader, name

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self.loader
        with status(f"loading {self.name}…"):
            self.loader.exec_module(module)
