"""demo: the whole workflow on generated scenes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clcap_cli.console import say, show_unless_quiet
from clcap_cli.options import Argument, Panel
from clcap_cli.stages.options import Seed
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("R@1", "R@5", "CIDEr", "unique_captions")
SHOWN_IMAGES = 4
"""Number of images whose captions are printed."""


@stage
def demo(
    folder: Annotated[Path, Argument("Output folder.", Panel.OUTPUT)] = Path("clcap-demo"),
    seed: Seed = 0,
) -> Path:
    """Run the whole workflow on generated scenes.

    It takes a few minutes, trains by maximum likelihood, then by contrastive learning, and compares the captions of
    both.

    Example: clcap demo
    """
    from clcap_cli.stages.caption import caption
    from clcap_cli.stages.evaluate import evaluate
    from clcap_cli.stages.extract_features import extract_features
    from clcap_cli.stages.make_scenes import make_scenes
    from clcap_cli.stages.prepare_captions import prepare_captions
    from clcap_cli.stages.report import report
    from clcap_cli.stages.self_retrieve import self_retrieve
    from clcap_cli.stages.train_cl import train_cl
    from clcap_cli.stages.train_mle import train_mle

    _step("1/6  scenes")
    scenes = make_scenes(folder / "scenes", seed=seed)
    train, val, test = ([scenes / f"captions_{split}.json"] for split in ("train", "val", "test"))
    captions = prepare_captions(train=train, val=val, test=test, out=folder / "captions.h5")
    _step("2/6  features")
    features = extract_features(captions, [scenes / "images"], out=folder / "features.h5", image_size=96)
    _step("3/6  maximum likelihood (MLE)")
    mle = train_mle(captions, features, out=folder / "nt.pt", embedding=256, hidden=256, epochs=12, lr=3e-3, seed=seed)
    _step("4/6  contrastive learning (CL)")
    cl = train_cl(mle, k=5, epochs=5, lr=5e-4, seed=seed)
    _step("5/6  captions, self-retrieval, quality")
    measured = {}
    for name, checkpoint in (("MLE", mle), ("CL", cl)):
        results = caption(checkpoint)
        retrieval = self_retrieve(checkpoint, predictions=results, seed=seed)
        measured[name] = (retrieval, evaluate(results, retrieval=retrieval))
    _step("6/6  outcome on 200 test scenes that no training saw")
    metrics = {name: _read(*paths) for name, paths in measured.items()}
    show_unless_quiet(_table(metrics))
    say(f"The {SHOWN_IMAGES} images whose rank improved most:")
    _compare(metrics)
    page = report([path for paths in measured.values() for path in paths])
    say(f"all of it side by side, with the pictures: {page}")
    say(f"what is more than chance: clcap compare {measured['MLE'][1]} {measured['CL'][1]}")
    say(f"every file of the chain is in {folder}; what made one: clcap show {cl}")
    return folder


def _step(title: str) -> None:
    show_unless_quiet(f"[bold]{title}[/bold]")


def _read(retrieval: Path, metrics: Path) -> dict[str, Any]:
    from clcap_cli.datasets.parsing import read_json

    ranked, scored = read_json(retrieval), read_json(metrics)
    return {**scored["metrics"], **ranked["metrics"], "ranked": ranked["images"]}


def _table(metrics: dict[str, dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table("", *COLUMNS)
    for name, values in metrics.items():
        table.add_row(
            name,
            *(f"{values[column]:.3f}" if column != "unique_captions" else str(values[column]) for column in COLUMNS),
        )
    return table


def _compare(metrics: dict[str, dict[str, Any]]) -> None:
    """Print both captions of the images whose rank contrastive learning improved most."""
    pairs = zip(metrics["MLE"]["ranked"], metrics["CL"]["ranked"], strict=True)
    gained = sorted(pairs, key=lambda pair: pair[1]["rank"] - pair[0]["rank"])
    for before, after in gained[:SHOWN_IMAGES]:
        say(f"image {before['image_id']}")
        for name, image in (("MLE", before), ("CL", after)):
            say(f"  {name:<3}  {image['caption']}  (finds its image at rank {image['rank']:g})")
