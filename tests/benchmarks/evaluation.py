"""evaluate against COCOEvalCap, compare, and report, on 5,000 images with 5 references each.

The references are captions of COCO val2014, which pycocoevalcap carries inside SPICE's program; the predictions are
made of one of them each, words left out and exchanged.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from clcap_cli.metrics.java import find_java, pycocoevalcap_folder
from tests.benchmarks.files import taken
from tests.benchmarks.measure import options, seconds
from tests.metrics.test_scoring import NoSpice

IMAGES, EACH, WORDS = 5000, 5, 12
CHANGED = 0.3
"""The share of words that a prediction has from another caption of its image."""
FAST = ("--metrics", "BLEU,METEOR,ROUGE_L,CIDEr")


def references() -> dict[int, list[str]]:
    """Five captions of each image, as people wrote them."""
    with zipfile.ZipFile(pycocoevalcap_folder("spice") / "spice-1.0.jar") as jar:
        notes = json.loads(jar.read("coco/annotations/captions_val2014.json"))["annotations"]
    texts: dict[int, list[str]] = defaultdict(list)
    for note in notes:
        texts[note["image_id"]].append(note["caption"])
    return {id: texts[id][:EACH] for id in list(texts)[:IMAGES]}


def predictions(people: dict[int, list[str]], seed: int) -> list[dict]:
    """COCO results: a caption that is like people's, but not one of theirs."""
    draw = np.random.default_rng(seed)
    results = []
    for id, group in people.items():
        others = " ".join(group[1:]).split()
        words = [str(draw.choice(others)) if draw.random() < CHANGED else word for word in group[0].split()[:WORDS]]
        results.append({"image_id": id, "caption": " ".join(words)})
    return results


def write_coco(people: dict[int, list[str]], path: Path) -> None:
    """The references as a COCO captions file."""
    notes = [(id, text) for id, group in people.items() for text in group]
    content = {
        "info": {},
        "images": [{"id": id, "file_name": f"{id}.jpg"} for id in people],
        "annotations": [{"id": at, "image_id": id, "caption": text} for at, (id, text) in enumerate(notes)],
    }
    path.write_text(json.dumps(content))


def peer(annotations: str, results: str, out: str) -> None:
    """COCOEvalCap as its README has it, SPICE left out."""
    import pycocoevalcap.eval as coco_eval
    from pycocotools.coco import COCO

    coco_eval.Spice = NoSpice
    os.environ["PATH"] = f"{find_java().parent}{os.pathsep}{os.environ['PATH']}"
    coco = COCO(annotations)
    evaluation = coco_eval.COCOEvalCap(coco, coco.loadRes(results))
    evaluation.evaluate()
    Path(out).write_text(json.dumps({name: float(value) for name, value in evaluation.eval.items()}))


def pictures(ids: list[int], folder: Path) -> None:
    """JPEG files of 320 x 240, smooth with some grain, as photos are; their names are the ids."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    for id in ids:
        smooth = Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((320, 240))
        grain = draw.normal(0, 8, (240, 320, 1))
        Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)).save(folder / f"{id}", "JPEG")


def about(page: Path) -> str:
    """A page's size and, where Chromium is, how long it takes to open from the disk."""
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


def main() -> None:
    runs = options(__doc__ or "").runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = references()
        annotations, found = folder / "people.json", folder / "peer.json"
        write_coco(people, annotations)
        for seed in (0, 1):
            (folder / f"{seed}.json").write_text(json.dumps(predictions(people, seed)))
        ours = ["evaluate", "--predictions", folder / "0.json", "--references", annotations, *FAST]
        theirs = [sys.executable, "-m", "tests.benchmarks.evaluation", "peer", annotations, folder / "0.json", found]
        pairs = [
            (taken(*ours), seconds(lambda: subprocess.run(theirs, check=True, capture_output=True), "cpu"))
            for _ in range(runs)
        ]
        mine = json.loads((folder / "0.metrics.json").read_text())["metrics"]
        same = json.loads(found.read_text())
        apart = max(abs(mine[name] - same[name]) for name in ("METEOR", "ROUGE_L", "CIDEr"))
        ratios = sorted(own / other for own, other in pairs)
        own, other = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"evaluate: {own:.1f} s, with intervals, against {other:.1f} s of COCOEvalCap, "
            f"{statistics.median(ratios):.2f} of its time ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
            f"scores differ by {apart:.0e}"
        )
        taken("evaluate", "--predictions", folder / "1.json", "--references", annotations, *FAST)
        files = [folder / "0.metrics.json", folder / "1.metrics.json"]
        print(f"compare, 1,000 resamples of two runs: {taken('compare', *files):.1f} s")
        page = folder / "report.html"
        print(f"report without pictures: {taken('report', *files):.1f} s{about(page)}")
        pictures(list(people), folder / "pictures")
        print(f"report with pictures: {taken('report', *files, '--images', folder / 'pictures'):.1f} s{about(page)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        peer(*sys.argv[2:])
    else:
        main()
