"""A backbone that projects image patches linearly, like the first layer of a vision transformer."""

from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.errors import ClcapError
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.input_files import check_readable

PATCH_SIZE, CHANNELS = 16, 64
"""Side of a patch in pixels, and channels of its features."""


class Patches(ImageEncoder):
    """A linear projection of patches, random but always the same unless its weights come from a file."""

    def __init__(self, weights: str | None, image_size: int | None):
        """Raises ClcapError for a file that does not hold weights of this backbone."""
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
        self.patches = nn.Conv2d(3, CHANNELS, PATCH_SIZE, stride=PATCH_SIZE)
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
        except Exception as error:  # unpickling and wrong shapes raise errors of many kinds
            raise ClcapError(f"{path} does not hold the weights of patches") from error
