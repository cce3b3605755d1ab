"""evaluate against COCOEvalCap and an earlier commit, compare with 10,000 resamples, and report.

    python -m tests.benchmarks.evaluation --images 40000 --runs 1 --before ../earlier

The references are five captions per image of COCO train2014 and val2014, from SPICE's program in pycocoevalcap. A
prediction is the beginning of an image's first reference, with words exchanged for words of the others.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from clcap_cli.metrics.java import pycocoevalcap_folder
from clcap_cli.metrics.java_runtime import find_java
from tests.benchmarks.commands import Usage, clcap, usage
from tests.benchmarks.measure import argument_parser
from tests.metrics.test_scoring import NoSpice

EACH, WORDS = 5, 12
CHANGED = 0.3
"""Share of the words of a prediction that are taken from another caption of its image."""
FAST = ("--metrics", "BLEU,METEOR,ROUGE_L,CIDEr")
RESAMPLES = 10_000
OTHER = "COCOEvalCap"
RUN_OTHER = "cocoevalcap"
"""First argument of this program that runs only COCOEvalCap."""


def references(images: int) -> dict[int, list[str]]:
    """Five human-written captions of each image."""
    texts: dict[int, list[str]] = defaultdict(list)
    with zipfile.ZipFile(pycocoevalcap_folder("spice") / "spice-1.0.jar") as jar:
        for part in ("val2014", "train2014"):
            for annotation in json.loads(jar.read(f"coco/annotations/captions_{part}.json"))["annotations"]:
                texts[annotation["image_id"]].append(annotation["caption"])
    return {id: texts[id][:EACH] for id in list(texts)[:images]}


def predictions(references_by_id: dict[int, list[str]], seed: int) -> list[dict]:
    """COCO results with captions that are similar to, but not among, the references."""
    draw = np.random.default_rng(seed)
    results = []
    for id, group in references_by_id.items():
        others = " ".join(group[1:]).split()
        words = [str(draw.choice(others)) if draw.random() < CHANGED else word for word in group[0].split()[:WORDS]]
        results.append({"image_id": id, "caption": " ".join(words)})
    return results


def write_coco(references_by_id: dict[int, list[str]], path: Path) -> None:
    """The references as a COCO captions file."""
    annotations = [(id, text) for id, group in references_by_id.items() for text in group]
    content = {
        "info": {},
        "images": [{"id": id, "file_name": f"{id}.jpg"} for id in references_by_id],
        "annotations": [{"id": at, "image_id": id, "caption": text} for at, (id, text) in enumerate(annotations)],
    }
    path.write_text(json.dumps(content))


def run_cocoevalcap(annotations: str, results: str, out: str) -> None:
    """Run COCOEvalCap as in its README, without SPICE."""
    import pycocoevalcap.eval as coco_eval
    from pycocotools.coco import COCO

    coco_eval.Spice = NoSpice
    os.environ["PATH"] = f"{find_java().parent}{os.pathsep}{os.environ['PATH']}"
    coco = COCO(annotations)
    evaluation = coco_eval.COCOEvalCap(coco, coco.loadRes(results))
    evaluation.evaluate()
    Path(out).write_text(json.dumps({name: float(value) for name, value in evaluation.eval.items()}))


def write_photos(ids: list[int], folder: Path) -> None:
    """Write JPEG files of 320 x 240 pixels, smooth with some grain like photos, named by id."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    for id in ids:
        smooth = Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((320, 240))
        grain = draw.normal(0, 8, (240, 320, 1))
        Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)).save(folder / f"{id}", "JPEG")


def page_size(page: Path) -> str:
    """The size of a page and, if Chromium is installed, the time it takes to open it."""
    size = f", {page.stat().st_size / 2**20:.1f} MiB"
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return size
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    settings = webdriver.ChromeOptions()
    settings.binary_location = chromium
    for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        settings.add_argument(switch)
    loads = []
    for _ in range(3):
        browser = webdriver.Chrome(options=settings, service=Service(driver))
        browser.get(page.as_uri())
        loads.append(browser.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd"))
        browser.quit()
    return f"{size}, open in {statistics.median(loads):.0f} ms"


def write_inputs(images: int, folder: Path) -> dict[int, list[str]]:
    """Write references and two runs of predictions; returns the references."""
    references_by_id = references(images)
    write_coco(references_by_id, folder / "references.json")
    for seed in (0, 1):
        (folder / f"{seed}.json").write_text(json.dumps(predictions(references_by_id, seed)))
    return references_by_id


def evaluate_command(folder: Path, seed: int) -> list[str | Path]:
    """The command that scores a run of predictions."""
    inputs = ("--predictions", folder / f"{seed}.json", "--references", folder / "references.json")
    return clcap("evaluate", *inputs, *FAST, "--out", folder / f"{seed}.metrics.json")


def print_evaluation(folder: Path, before: Sequence[Path], runs: int) -> None:
    """Time evaluate, in turn with the earlier commits and with COCOEvalCap, and print the ratios."""
    program = [sys.executable, "-m", "tests.benchmarks.evaluation", RUN_OTHER]
    other = [*program, folder / "references.json", folder / "0.json", folder / "cocoevalcap.json"]
    found: dict[str, list[Usage]] = defaultdict(list)
    for _ in range(runs):
        found[OTHER].append(usage(other))
        for checkout in before:
            found[str(checkout)].append(usage(evaluate_command(folder, 0), checkout))
        found["now"].append(usage(evaluate_command(folder, 0)))
    print_sides(found)
    mine = json.loads((folder / "0.metrics.json").read_text())["metrics"]
    same = json.loads((folder / "cocoevalcap.json").read_text())
    apart = max(abs(mine[name] - same[name]) for name in ("METEOR", "ROUGE_L", "CIDEr"))
    print(f"evaluate's scores differ from {OTHER}'s by {apart:.0e}")


def print_sides(found: Mapping[str, Sequence[Usage]]) -> None:
    """Print the run of median time of each side, and the time of the others over that of this commit."""
    for name, used in found.items():
        median = sorted(used, key=lambda one: one.seconds)[len(used) // 2]
        ratios = [other.seconds / own.seconds for other, own in zip(used, found["now"], strict=True)]
        print(f"evaluate, {name}: {median}; {statistics.median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})")


def print_report(folder: Path, references_by_id: Mapping[int, list[str]]) -> None:
    """Time the report with and without photos."""
    files, page = [folder / "0.metrics.json", folder / "1.metrics.json"], folder / "report.html"
    print(f"report without photos: {usage(clcap('report', *files, '--out', page))}{page_size(page)}")
    write_photos(list(references_by_id), folder / "photos")
    with_photos = usage(clcap("report", *files, "--images", folder / "photos", "--out", page))
    print(f"report with photos: {with_photos}{page_size(page)}")


def main() -> None:
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--images", type=int, default=5000, help="number of images, at most 123,287")
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="checkouts of earlier commits")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        references_by_id = write_inputs(given.images, folder)
        print_evaluation(folder, given.before, given.runs)
        usage(evaluate_command(folder, 1))
        files = [folder / "0.metrics.json", folder / "1.metrics.json"]
        compared = usage(clcap("compare", *files, "--resamples", str(RESAMPLES)))
        print(f"compare, {RESAMPLES:,} resamples of two runs: {compared}")
        print_report(folder, references_by_id)


if __name__ == "__main__":
    if sys.argv[1:2] == [RUN_OTHER]:
        run_cocoevalcap(*sys.argv[2:])
    else:
        main()
