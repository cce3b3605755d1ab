"""clcap: trains image captioners to write distinctive captions, and measures how distinctive they are.

From Python: ``load`` gives a captioner for pictures, ``score`` measures captions, and each stage of the command line is
a function. Each name is imported when it is first used, so ``import clcap_cli as clcap`` is instant.
"""

from importlib import import_module

__version__ = "0.1.0"

_STAGES = (
    "inspect",
    "prepare_captions",
    "extract_features",
    "import_features",
    "import_captioner",
    "train_mle",
    "train_cl",
    "caption",
    "leave_one_out",
    "self_retrieve",
    "evaluate",
    "compare",
    "report",
    "swap_reference",
    "export_captioner",
    "make_scenes",
    "show",
    "cache",
    "demo",
    "doctor",
)
_MODULES = {
    **dict.fromkeys(("ClcapError", "InvalidValueError"), "clcap_cli.errors"),
    **dict.fromkeys(("load", "LoadedCaptioner"), "clcap_cli.api.captioner"),
    "score": "clcap_cli.api.scoring",
    **dict.fromkeys(("Score", "SelfRetrieval"), "clcap_cli.api.results"),
    **{stage: f"clcap_cli.stages.{stage}" for stage in _STAGES},
}
"""Where each name is defined; ``__init__.pyi`` has their types."""
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
