"""A captioner together with its image encoder, so that training sees one model and gradients reach the encoder."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from clcap_cli.features.backbone import Backbone
from clcap_cli.features.cached import CachedFeatures
from clcap_cli.features.live import BATCH_SIZE
from clcap_cli.features.pictures import Pixels
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures, Rows, concatenate


class PixelCaptioner(Captioner[Rows, Rows]):
    """p(c|I) of a captioner, from the ``Pixels`` of a ``PictureSource`` in place of features.

    The encoder stays in evaluation mode: its batch normalisation uses the statistics that it has, and nothing is
    dropped. The weights of batch normalisation are not trained, because batches of captioned images are small.
    """

    def __init__(self, backbone: Backbone, captioner: Captioner):
        """``backbone`` is one for training; its network and the captioner become parts of this model."""
        super().__init__(captioner.config)
        self.backbone, self.encoder, self.captioner = backbone, backbone.network, captioner
        for module in self.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.requires_grad_(False)

    @property
    def uses_grid(self) -> bool:
        """See Captioner."""
        return self.captioner.uses_grid

    @property
    def state_size(self) -> int:
        """See Captioner."""
        return self.captioner.state_size

    @property
    def encoded_size(self) -> int:
        """See Captioner."""
        return self.captioner.encoded_size

    def train(self, mode: bool = True) -> "PixelCaptioner":
        """Set the mode of the captioner alone."""
        super().train(mode)
        self.encoder.eval()
        return self

    def image_features(self, pixels: Pixels) -> ImageFeatures:
        """The features of pictures; without gradients, few are computed at once."""
        size = len(pixels) if torch.is_grad_enabled() else BATCH_SIZE
        parts = [pixels[first : first + size] for first in range(0, len(pixels), size)]
        return concatenate([self._features(part) for part in parts])

    def encode(self, pixels: Pixels) -> Rows:  # type: ignore[override]  # paired with a PictureSource
        """See Captioner."""
        return self.captioner.encode(self.image_features(pixels))

    def sequence_log_prob(self, encoded: Rows, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """See Captioner."""
        return self.captioner.sequence_log_prob(encoded, captions, lengths, image_index)

    def initial_state(self, encoded: Rows) -> Rows:
        """See Captioner."""
        return self.captioner.initial_state(encoded)

    def advance(self, encoded: Rows, image_index: Tensor, state: Rows, tokens: Tensor) -> tuple[Tensor, Rows]:
        """See Captioner."""
        return self.captioner.advance(encoded, image_index, state, tokens)

    def _features(self, pixels: Pixels) -> ImageFeatures:
        pooled, grid = self.backbone.features(pixels.images)
        return ImageFeatures(pooled.float(), grid.float() if self.uses_grid else pooled.new_zeros(len(pooled), 0, 0))


def captioner_in(model: Captioner) -> Captioner:
    """The captioner that works on features: a part of ``model``, or ``model`` itself."""
    return model.captioner if isinstance(model, PixelCaptioner) else model


@torch.no_grad()
def features_seen(model: Captioner, images: ImageFeatures) -> ImageFeatures:
    """What the captioner in ``model`` sees of the images that its source gives, without gradients."""
    return model.image_features(images) if isinstance(model, PixelCaptioner) else images  # type: ignore[arg-type]


def source_for_captioner(model: Captioner, source: FeatureSource) -> FeatureSource:
    """A source of features for the captioner in ``model`` as it is now, of the images of ``source``."""
    if not isinstance(model, PixelCaptioner):
        return source
    return CachedFeatures(concatenate([features_seen(model, source.read(block)) for block in source.blocks()]), "")


def encoder_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of the image encoder within a model; none if there is no encoder in it."""
    if isinstance(model, PixelCaptioner):
        yield from model.encoder.parameters()
