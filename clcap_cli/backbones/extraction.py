"""Running a backbone over image files, decoding in worker processes while it computes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose

from clcap_cli.backbones.backbone import Backbone
from clcap_cli.backbones.images import UnreadableImageError, open_rgb
from clcap_cli.datasets.records import ImageId

BATCH = 32


@dataclass(frozen=True)
class ImageFile:
    """An image to look at."""

    id: ImageId
    path: Path


@dataclass
class Skipped:
    """Images that were left out, with the reason."""

    reasons: list[tuple[ImageId, str]] = field(default_factory=list)


def extract(
    backbone: Backbone, images: Sequence[ImageFile], workers: int, skipped: Skipped | None
) -> Iterator[tuple[list[ImageId], np.ndarray, np.ndarray]]:
    """Yield batches of (ids, pooled, grid) in the order of ``images``.

    An unreadable image is added to ``skipped``, or raised as UnreadableImageError where ``skipped`` is None.
    """
    dataset = _Pictures(images, backbone.transform)
    loader: DataLoader = DataLoader(dataset, BATCH, num_workers=workers, collate_fn=list)
    for batch in loader:
        good: list[tuple[ImageId, Tensor]] = []
        for id, picture in batch:
            if isinstance(picture, Tensor):
                good.append((id, picture))
            elif skipped is None:
                raise UnreadableImageError(picture)
            else:
                skipped.reasons.append((id, picture))
        if good:
            pooled, grid = backbone(torch.stack([picture for _, picture in good]))
            yield [id for id, _ in good], pooled.numpy(), grid.numpy()


class _Pictures(Dataset):
    """Decoded pictures; a bad one is its reason, because a worker's exception would lose the others."""

    def __init__(self, images: Sequence[ImageFile], transform: Compose):
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[ImageId, Tensor | str]:
        image = self.images[number]
        try:
            return image.id, self.transform(open_rgb(image.path))
        except UnreadableImageError as error:
            return image.id, str(error)
