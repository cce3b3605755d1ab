"""demo: the whole workflow on generated scenes."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from clcap_cli.console import print_info, show_unless_quiet
from clcap_cli.datasets.records import counted
from clcap_cli.options import Argument, Panel
from clcap_cli.stages.options import Seed
from clcap_cli.stages.stage import stage
from clcap_cli.verbosity import quiet

SHOWN_IMAGES = 4
"""Number of images whose captions are printed."""
REPETITION = re.compile(r"\b(an? .+) and \1\b")
"""The same words twice, as in "a ring and a ring"."""


@stage
def demo(
    folder: Annotated[Path, Argument("Output folder.", Panel.OUTPUT)] = Path("clcap-demo"),
    seed: Seed = 0,
) -> Path:
    """Run the whole workflow on generated scenes.

    A captioner is trained by maximum likelihood until it no longer improves, then by contrastive learning. The captions
    of both models, and one reference of each image, are ranked by both models and compared. This takes a few minutes.

    Example: clcap demo
    """
    from clcap_cli.artifacts.references import references_path
    from clcap_cli.datasets.parsing import read_json
    from clcap_cli.stages.caption import caption
    from clcap_cli.stages.evaluate import evaluate
    from clcap_cli.stages.extract_features import extract_features
    from clcap_cli.stages.leave_one_out import leave_one_out
    from clcap_cli.stages.make_scenes import make_scenes
    from clcap_cli.stages.prepare_captions import prepare_captions
    from clcap_cli.stages.report import report
    from clcap_cli.stages.self_retrieve import self_retrieve
    from clcap_cli.stages.train_cl import train_cl
    from clcap_cli.stages.train_mle import train_mle
    from clcap_cli.training.run_files import state_path

    _step("1/6  scenes")
    scenes = make_scenes(folder / "scenes", colours=3, objects=2, seed=seed)
    train, val, test = (scenes / f"captions_{split}.json" for split in ("train", "val", "test"))
    captions = prepare_captions(train=[train], val=[val], test=[test], out=folder / "captions.h5")
    _step("2/6  features")
    features = extract_features(captions, [scenes / "images"], out=folder / "features.h5", image_size=128)
    _step("3/6  maximum likelihood (MLE)")
    interrupted = {name: state_path(folder / name).exists() for name in ("aa.pt", "aa_cl.pt")}
    small = {"model": "adaptive-attention", "embedding": 256, "hidden": 256, "dropout": 0, "epochs": 10, "lr": 3e-3}
    mle = train_mle(captions, features, out=folder / "aa.pt", **small, seed=seed, resume=interrupted["aa.pt"])
    _step("4/6  contrastive learning (CL)")
    short = {"k": 3, "epochs": 2, "lr": 2e-3, "select_by": "loss"}
    cl = train_cl(mle, **short, seed=seed, resume=interrupted["aa_cl.pt"])
    _step("5/6  captions, self-retrieval, quality")
    with quiet():  # these messages would fill several screens
        people = leave_one_out(captions, out=folder / "human.captions.json", seed=seed)
        texts, models = {"MLE": caption(mle), "CL": caption(cl), "human": people}, {"MLE": mle, "CL": cl}
        ranked = {
            (row, by): self_retrieve(model, predictions=path, seed=seed)
            for row, path in texts.items()
            for by, model in models.items()
        }
        references = references_path(people)  # those that are left, also for models: scores are then comparable
        metrics = {
            row: evaluate([path], references=references, retrieval=ranked.get((row, row)), features=features)
            for row, path in texts.items()
        }
        page = report([*metrics.values(), *ranked.values()])
    _step("6/6  result on the test images")
    found = {pair: read_json(path) for pair, path in ranked.items()}
    scores = {row: read_json(path)["metrics"] for row, path in metrics.items()}
    described = {one["image_id"]: one["caption"] for one in read_json(test)["annotations"]}  # by its last reference
    shown = examples(found["MLE", "MLE"], found["CL", "MLE"], described)
    for line in [*shown, "", *result_lines(found, scores), ""]:
        print_info(line)
    print_info(f"{page} shows all images with the captions of both models")
    return folder


def _step(title: str) -> None:
    show_unless_quiet(f"[bold]{title}[/bold]")


def result_lines(ranked: Mapping[tuple[str, str], Any], scores: Mapping[str, Any]) -> list[str]:
    """One line for the captions of each row with R@1 under each ranker, then the meaning of the columns.

    ``ranked`` has the retrieval files by row and ranker, ``scores`` the metrics by row.
    """
    rankers = list(dict.fromkeys(by for _, by in ranked))
    head = ["captions of", *(f"R@1 by {by}" for by in rankers), "CIDEr", "unique captions"]
    rows = [
        [row, *(_recall(ranked, row, by) for by in rankers), f"{found['CIDEr']:.3f}", str(found["unique_captions"])]
        for row, found in scores.items()
    ]
    any_ranking = next(iter(ranked.values()))
    chance, images = any_ranking["chance"]["R@1"], any_ranking["metrics"]["images"]
    return [
        *("  ".join([line[0].ljust(len(head[0])), *_right(line[1:], head[1:])]) for line in (head, *rows)),
        f"R@1: share of captions whose own image ranks first of {images}; {chance:.3f} by chance",
        "*: ranked by the model that wrote the captions, which tends to favour them",
        "CIDEr: agreement with the references, from 0 to 10; human: a reference left out",
    ]


def _recall(ranked: Mapping[tuple[str, str], Any], row: str, by: str) -> str:
    return f"{ranked[row, by]['metrics']['R@1']:.3f}{'*' if row == by else ' '}"


def _right(cells: list[str], head: list[str]) -> list[str]:
    return [cell.rjust(len(name)) for cell, name in zip(cells, head, strict=True)]


def examples(before: Mapping[str, Any], after: Mapping[str, Any], described: Mapping[int, str]) -> list[str]:
    """The images whose rank improved most: a description by a reference, and the captions of MLE and of CL.

    ``before`` and ``after`` are retrieval files of both under one ranker. Captions that repeat words ("a ring and a
    ring") are left out, and a caption of CL is shown for one image only.
    """
    pairs = zip(before["images"], after["images"], strict=True)
    fluent = [pair for pair in pairs if not any(REPETITION.search(one["caption"]) for one in pair)]
    best: dict[str, Any] = {}
    for pair in sorted(fluent, key=lambda pair: pair[1]["rank"] - pair[0]["rank"]):
        best.setdefault(pair[1]["caption"], pair)
    said_of = [Counter(one["caption"] for one in file["images"]) for file in (before, after)]
    return [
        "largest improvements in rank from MLE to CL:",
        *(line for pair in list(best.values())[:SHOWN_IMAGES] for line in _example(pair, said_of, described)),
        "image: as a reference describes it",
        f"images: how many of the {len(before['images'])} get this caption; rank: of its own image, by MLE",
    ]


def _example(pair: Sequence[Any], said_of: Sequence[Mapping[str, int]], described: Mapping[int, str]) -> list[str]:
    id = pair[0]["image_id"]
    captions = [
        f"  {name:3}  {one['caption']} ({counted(number[one['caption']], 'image')}, rank {one['rank']:g})"
        for name, one, number in zip(("MLE", "CL"), pair, said_of, strict=True)
    ]
    return [f"image {id}: {described[id]}", *captions]
