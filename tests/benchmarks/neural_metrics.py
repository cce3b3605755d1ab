"""Speed of the encoders of SBERT-sim and CLIPScore, and how much a GPU changes their cosines.

CLIP has the size of ViT-B/32 and random weights.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from clcap_cli.encoders.clip import ClipEncoder
from clcap_cli.encoders.sentence_encoder import SentenceEncoder
from tests.benchmarks.extraction import write_photos
from tests.benchmarks.measure import parse_arguments
from tests.encoders.tiny_clip import build_clip, save_clip

IMAGES, TEXTS = 128, 512
WORDS = (
    "a",
    "the",
    "dog",
    "cat",
    "man",
    "woman",
    "red",
    "small",
    "large",
    "runs",
    "sits",
    "holds",
    "on",
    "near",
    "ball",
)


def texts() -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, size)) for size in draw.integers(8, 13, TEXTS)]


def timed(embed: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """The embeddings and the seconds of a second call; the first opens the model."""
    embed()
    started = time.perf_counter()
    return embed(), time.perf_counter() - started


def embeddings(folder: Path, files: list[Path], device: str) -> dict[str, np.ndarray]:
    """Embeddings of all kinds on a device; prints their speed."""
    clip = ClipEncoder(folder, lambda: torch.device(device), lambda ids: [files[int(id)] for id in ids])
    sentences, captions = SentenceEncoder(None, lambda: torch.device(device)), texts()
    calls: dict[str, Callable[[], np.ndarray]] = {
        "SBERT texts": lambda: sentences.embed_texts(captions),
        "CLIP texts": lambda: clip.embed_texts(captions),
        "CLIP images": lambda: clip.embed_images(range(len(files))),
    }
    found = {}
    for what, call in calls.items():
        found[what], seconds = timed(call)
        print(f"{device}: {what}, {len(found[what]) / seconds:,.0f} per second")
    return found


def main() -> None:
    given = parse_arguments(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder = save_clip(build_clip({}, {}, 512), Path(place) / "clip")
        files = write_photos(Path(place), (640, 480), IMAGES)
        on_cpu = embeddings(folder, files, "cpu")
        if given.device == "cpu":
            return
        for what, other in embeddings(folder, files, given.device).items():
            away = np.abs(other @ other.T - on_cpu[what] @ on_cpu[what].T).max()
            print(f"{what}: cosines differ by {away:.1e} at most between {given.device} and the CPU")


if __name__ == "__main__":
    main()
