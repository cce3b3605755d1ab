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

from clcap_cli.metrics.java import pycocoevalcap_folder
from clcap_cli.metrics.java_runtime import find_java
from tests.benchmarks.files import command_seconds
from tests.benchmarks.measure import parse_arguments, seconds
from tests.metrics.test_scoring import NoSpice

IMAGES, EACH, WORDS = 5000, 5, 12
CHANGED = 0.3
"""Share of the words of a prediction that are taken from another caption of its image."""
FAST = ("--metrics", "BLEU,METEOR,ROUGE_L,CIDEr")


def references() -> dict[int, list[str]]:
    """Five human-written captions of each image."""
    with zipfile.ZipFile(pycocoevalcap_folder("spice") / "spice-1.0.jar") as jar:
        annotations = json.loads(jar.read("coco/annotations/captions_val2014.json"))["annotations"]
    texts: dict[int, list[str]] = defaultdict(list)
    for annotation in annotations:
        texts[annotation["image_id"]].append(annotation["caption"])
    return {id: texts[id][:EACH] for id in list(texts)[:IMAGES]}


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


def main() -> None:
    runs = parse_arguments(__doc__ or "").runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        references_by_id = references()
        annotations, peer_scores = folder / "references.json", folder / "peer.json"
        write_coco(references_by_id, annotations)
        for seed in (0, 1):
            (folder / f"{seed}.json").write_text(json.dumps(predictions(references_by_id, seed)))
        ours = ["evaluate", "--predictions", folder / "0.json", "--references", annotations, *FAST]
        program = [sys.executable, "-m", "tests.benchmarks.evaluation", "peer"]
        peer_command = [*program, annotations, folder / "0.json", peer_scores]
        pairs = [
            (
                command_seconds(*ours),
                seconds(lambda: subprocess.run(peer_command, check=True, capture_output=True), "cpu"),
            )
            for _ in range(runs)
        ]
        mine = json.loads((folder / "0.metrics.json").read_text())["metrics"]
        same = json.loads(peer_scores.read_text())
        apart = max(abs(mine[name] - same[name]) for name in ("METEOR", "ROUGE_L", "CIDEr"))
        ratios = sorted(own / other for own, other in pairs)
        own, other = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"evaluate: {own:.1f} s, with intervals, against {other:.1f} s of COCOEvalCap, "
            f"{statistics.median(ratios):.2f} of its time ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
            f"scores differ by {apart:.0e}"
        )
        command_seconds("evaluate", "--predictions", folder / "1.json", "--references", annotations, *FAST)
        files = [folder / "0.metrics.json", folder / "1.metrics.json"]
        print(f"compare, 1,000 resamples of two runs: {command_seconds('compare', *files):.1f} s")
        page = folder / "report.html"
        print(f"report without photos: {command_seconds('report', *files):.1f} s{page_size(page)}")
        write_photos(list(references_by_id), folder / "photos")
        with_photos = command_seconds("report", *files, "--images", folder / "photos")
        print(f"report with photos: {with_photos:.1f} s{page_size(page)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        run_cocoevalcap(*sys.argv[2:])
    else:
        main()
