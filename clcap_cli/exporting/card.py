"""Model cards: what a captioner is, how to use it, how it was trained and how good it is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from clcap_cli import __version__
from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.lineage import recorded_path
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import Results
from clcap_cli.artifacts.run_cards import collect_run_cards
from clcap_cli.console import escaped
from clcap_cli.datasets.split_names import describe_sizes
from clcap_cli.errors import ClcapError
from clcap_cli.exporting.measured import measured, split_of, summary_of

TASK = "image-to-text"
TAGS = ("image-captioning", "contrastive-learning", "clcap")
_IN_CODE = str.maketrans({"`": "'", "|": "\\|"})


def render(template: str, **values: object) -> str:
    """The text of a template."""
    environment = Environment(
        loader=PackageLoader("clcap_cli.exporting", "template"),
        autoescape=False,  # Markdown and Python; names from files go through ``code``
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values | {"code": code})


def code(text: object) -> str:
    """Text of a file as a code span, which Markdown shows as it is, also in a cell of a table."""
    return f"`{escaped(str(text)).translate(_IN_CODE)}`"


def model_card(checkpoint: Checkpoint, origin: Origin, library: str, usage: str) -> str:
    """The model card of a captioner; ``usage`` is the section with code that captions an image."""
    results = measured(checkpoint)
    name = checkpoint.path.stem
    return render(
        "card.md.j2",
        head=yaml.safe_dump(_head(name, library, results), sort_keys=False, allow_unicode=True, width=120),
        name=escaped(name),
        checkpoint=checkpoint,
        usage=usage,
        data=_data_of(checkpoint),
        chain=[(card, _settings(card.settings)) for card in collect_run_cards(origin)],
        results=results,
        split_of=split_of,
        summary_of=summary_of,
        version=__version__,
    )


def _head(name: str, library: str, measured: Sequence[Results]) -> dict[str, Any]:
    """The metadata at the top of the card, as the hub of Hugging Face reads it; without estimates."""
    head = {"library_name": library, "pipeline_tag": TASK, "tags": list(TAGS)}
    results = [
        {
            "task": {"type": TASK},
            "dataset": {"name": "captions.h5", "type": "captions", "split": split_of(one)},
            "metrics": [
                {"type": metric, "value": one.metrics[metric]}
                for metric, info in summary_of(one).items()
                if info.primary
            ],
        }
        for one in measured
        if one.estimate is None
    ]
    return {**head, **({"model-index": [{"name": name, "results": results}]} if results else {})}


def _settings(settings: Mapping[str, Any]) -> str:
    """The settings that are set, as text."""
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value not in (None, False, "", []))


@dataclass(frozen=True)
class TrainingData:
    """The captions that a captioner was trained on."""

    name: str
    """Name of captions.h5."""
    id: str
    counts: str
    """Numbers of images and captions; empty where the file is no longer there."""
    sources: list[tuple[str, str, str]]
    """Role, name and id of the files that captions.h5 was made from."""


def _data_of(checkpoint: Checkpoint) -> TrainingData | None:
    """The captions of a checkpoint; None if it records none."""
    recorded = checkpoint.provenance.input("captions")
    if recorded is None:
        return None
    name, id = Path(recorded.path).name, recorded.id
    with suppress(ClcapError):
        opened = open_captions(recorded_path(checkpoint.path, recorded))
        if opened.provenance.is_or_extends(id):
            sources = [(item.role, Path(item.path).name, item.id) for item in opened.provenance.inputs]
            return TrainingData(name, opened.provenance.id, _counts(opened), sources)
    return TrainingData(name, id, "", [])


def _counts(captions: Captions) -> str:
    return f"{describe_sizes(captions.splits.tolist())} images; {len(captions.word_tokens.lengths):,} captions"
