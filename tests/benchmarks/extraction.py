"""Features of generated photos with the bundled backbone: clcap's extraction against a plain loop over the files."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timm.data import create_transform, resolve_model_data_config
from torch import Tensor, nn

from clcap_cli.compute.devices import keep_freed_memory
from clcap_cli.features.backbone import Backbone, load_backbone
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.features.extraction import extract_batches
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.timm_encoder import TimmEncoder
from tests.benchmarks.measure import compare_times, parse_arguments

Transform = Callable[[Image.Image], Tensor]
SIZES = {"as COCO's": ((640, 480), 300), "from a phone": ((2000, 1500), 100)}


def write_photos(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """Write smooth images with some grain."""
    draw = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = Image.fromarray(draw.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        grain = draw.integers(-12, 13, (*size[::-1], 1))
        path = folder / f"{size[0]}_{number}.jpg"
        Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
        files.append(path)
    return files


def ours(backbone: Backbone, files: list[Path]) -> np.ndarray:
    images, skipped = dict(enumerate(files)), SkippedImages(len(files), skip_bad=False)
    return np.concatenate([batch.pooled for batch in extract_batches(backbone, images, skipped)])


@torch.inference_mode()
def plain(network: nn.Module, transform: Transform, files: list[Path]) -> np.ndarray:
    """Extract features one file after another."""
    device, features = next(network.parameters()).device, []
    for file in files:
        image = transform(Image.open(file).convert("RGB")).unsqueeze(0).to(device)
        maps = network.forward_features(image)
        features.append(network.forward_head(maps, pre_logits=True).half().cpu().numpy())
    return np.concatenate(features)


def measure(files: list[Path], backbone: Backbone, network: nn.Module, transform: Transform, runs: int) -> str:
    """Images per second of clcap and of the plain loop, their ratio, and the largest difference of the features."""
    one, other = (some.astype(np.float32) for some in (ours(backbone, files), plain(network, transform, files)))
    away = np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)
    own, slow, ratio = compare_times(
        lambda: ours(backbone, files), lambda: plain(network, transform, files), runs, str(backbone.device)
    )
    speeds = f"{len(files) / own:.0f} images/s against {len(files) / slow:.0f}"
    return f"{speeds}, {ratio}; features differ by {away.max():.2%} at most"


def main() -> None:
    given = parse_arguments(__doc__)
    device = torch.device(given.device)
    keep_freed_memory()  # for both implementations
    backbone = load_backbone(DEFAULT_BACKBONE, None, None, device)
    simple = TimmEncoder(DEFAULT_BACKBONE, None, None).eval().to(device)
    network = simple.network.to(memory_format=torch.contiguous_format)
    transform = create_transform(**resolve_model_data_config(network), is_training=False)
    with tempfile.TemporaryDirectory() as folder:
        for what, (size, count) in SIZES.items():
            files = write_photos(Path(folder), size, count)
            found = measure(files, backbone, network, transform, given.runs)
            print(f"{what}, {size[0]} x {size[1]}: {found}", flush=True)


if __name__ == "__main__":
    main()
