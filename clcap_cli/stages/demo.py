"""demo: the whole workflow on generated scenes."""

from pathlib import Path
from typing import Annotated, Any

from clcap_cli.console import print_info, show_unless_quiet
from clcap_cli.options import Argument, Panel
from clcap_cli.stages.options import Seed
from clcap_cli.stages.stage import stage

SHOWN_IMAGES = 4
"""Number of images whose captions are printed."""


@stage
def demo(
    folder: Annotated[Path, Argument("Output folder.", Panel.OUTPUT)] = Path("clcap-demo"),
    seed: Seed = 0,
) -> Path:
    """Run the whole workflow on generated scenes.

    A captioner is trained by maximum likelihood, then by contrastive learning, and the captions of both models are
    compared. This takes a few minutes.

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
    _step("6/6  result on the test images")
    found = {name: _read(*paths) for name, paths in measured.items()}
    for line in [*result_lines(found), *largest_gains(found["MLE"], found["CL"])]:
        print_info(line)
    page = report([path for paths in measured.values() for path in paths])
    print_info(f"{page} shows all images with the captions of both models")
    return folder


def _step(title: str) -> None:
    show_unless_quiet(f"[bold]{title}[/bold]")


def _read(retrieval: Path, metrics: Path) -> dict[str, Any]:
    from clcap_cli.datasets.parsing import read_json

    ranked, scored = read_json(retrieval), read_json(metrics)
    return {**scored["metrics"], **ranked["metrics"], "chance": ranked["chance"], "ranked": ranked["images"]}


def result_lines(results: dict[str, dict[str, Any]]) -> list[str]:
    """One line for each model, then the meaning of the columns."""
    values = next(iter(results.values()))
    images, chance = values["images"], values["chance"]
    rows = [
        f"{name:<3}  {found['R@1']:>5.3f}  {found['mean_rank']:>9.2f}  {found['CIDEr']:>5.3f}  "
        f"{found['unique_captions']:>15}"
        for name, found in results.items()
    ]
    return [
        f"{'':<3}  {'R@1':>5}  {'mean rank':>9}  {'CIDEr':>5}  {'unique captions':>15}",
        *rows,
        f"R@1: share of captions that rank their own image first; {chance['R@1']:.3f} by chance",
        f"mean rank: mean rank of the caption's own image among {images} images; {chance['mean_rank']:.1f} by chance",
        "CIDEr: agreement with the references, from 0 to 10",
    ]


def largest_gains(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Both captions of the images whose rank contrastive learning improved most."""
    pairs = zip(before["ranked"], after["ranked"], strict=True)
    gained = sorted(pairs, key=lambda pair: pair[1]["rank"] - pair[0]["rank"])
    lines = ["largest improvements in rank, with the captions of both models:"]
    for old, new in gained[:SHOWN_IMAGES]:
        lines += [f"  image {old['image_id']}: rank {old['rank']:g} -> {new['rank']:g}"]
        lines += [f"    MLE  {old['caption']}", f"    CL   {new['caption']}"]
    return lines
