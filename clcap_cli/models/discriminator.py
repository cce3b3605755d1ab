"""The discriminator r(I, c) of a conditional GAN: how likely it is that a person wrote this caption of this image.

As Dai, Fidler, Urtasun and Lin 2017 have it (arXiv 1703.06029): r = sigmoid of the inner product of an image embedding
and a caption embedding.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from clcap_cli.models.captioner import Size, Token
from clcap_cli.models.lstm import LSTM
from clcap_cli.models.packing import pack
from clcap_cli.models.rows import ImageFeatures


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The sizes of an discriminator."""

    vocabulary_size: Size
    """Tokens, the end token among them."""
    pooled_channels: Size
    embedding_size: Size = 512
    """Of a word's vector."""
    hidden_size: Size = 512
    """Of the LSTM's state, which is the caption's embedding, and so of the image's."""
    end_token: Token = 0
    """Id that ends a caption."""


class Discriminator(nn.Module):
    """A linear layer over the pooled image vector, and an LSTM over the caption, compared by their inner product.

    Letters in shapes: N images, B captions, T words at most.
    """

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        self.image = nn.Linear(config.pooled_channels, config.hidden_size)
        self.words = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.lstm = LSTM(config.embedding_size, config.hidden_size)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)

    def scores(self, features: ImageFeatures, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """The logit of r(I, c) of each caption: (B,) float32.

        ``captions`` is (B, T) int64, of which the first ``lengths`` (B,) words count; ``image`` (B,) says which of the
        N images in ``features`` each caption is put with.

        The LSTM sees the words and END. Without END a caption that breaks off would look like a whole one, and an
        empty one like nothing; START would be the same for all.
        """
        end = self.config.end_token
        packed = pack(captions, lengths, end, end)
        projected = self.lstm.input(self.words(packed.targets))
        states = self.lstm.unroll(projected, packed.batch_sizes, self.lstm.zeros(packed.batch_sizes[0]))
        ends = packed.targets == end
        caption, embedding = packed.caption[ends], states.h[ends]  # (B,), (B, hidden)
        fits = (self.image(features.pooled)[image[caption]] * embedding).sum(dim=1).float()
        return fits.new_empty(len(fits)).index_copy(0, caption, fits)
