"""Patches of a picture, each through one linear map, as the first layer of a vision transformer sees them."""

from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.errors import ClcapError
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.input_files import check_readable

SIDE, CHANNELS = 16, 64
"""Pixels of a patch's side, and numbers that it becomes."""


class Patches(ImageEncoder):
    """The map is random, always the same, unless a file has a better one."""

    def __init__(self, weights: str | None, image_size: int | None):
        """Raises ClcapError for a file that does not hold the map."""
        super().__init__()
        size = image_size or 128
        self.preprocessing = {
            "input_size": (3, size, size),
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
            "interpolation": "bilinear",
            "crop_pct": 1.0,
        }
        self.weights = "random" if weights in (None, "random") else Path(weights).name
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, CHANNELS, SIDE, stride=SIDE)
        if self.weights != "random":
            self._load(Path(weights))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ImageEncoder."""
        grid = self.patches(images).flatten(2).transpose(1, 2)
        return grid.mean(dim=1), grid

    def _load(self, path: Path) -> None:
        check_readable(path)
        try:
            self.load_state_dict(torch.load(path, weights_only=True))
        except Exception as error:  # unpickling and shapes each raise their own kinds
            raise ClcapError(f"{path} does not hold the weights of patches") from error
