"""The discriminator r(I, c) of a conditional GAN: the probability that a person wrote caption c for image I.

r is the sigmoid of the inner product of an image embedding and a caption embedding (Dai, Fidler, Urtasun and Lin 2017,
arXiv 1703.06029, where it is called the evaluator).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from clcap_cli.models.captioner import Size, Token
from clcap_cli.models.lstm import LSTM
from clcap_cli.models.prefixes import compute_per_token, distinct_prefixes
from clcap_cli.models.rows import ImageFeatures


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Configuration of a discriminator."""

    vocabulary_size: Size
    """Number of tokens, the end token included."""
    pooled_channels: Size
    embedding_size: Size = 512
    """Size of a token's vector."""
    hidden_size: Size = 512
    """Size of the LSTM's hidden state, and so of the embeddings of captions and images."""
    end_token: Token = 0
    """Id of the token that ends a caption."""


class Discriminator(nn.Module):
    """Inner product of a linear layer over the pooled image vector and an LSTM over the caption.

    Letters in shapes: N images, B captions, T tokens at most.
    """

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        self.image = nn.Linear(config.pooled_channels, config.hidden_size)
        self.words = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.lstm = LSTM(config.embedding_size, config.hidden_size)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)

    def logits(self, features: ImageFeatures, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """The logit of r(I, c) for each caption, (B,) float32.

        ``captions`` is (B, T) int64; only the first ``lengths`` (B,) tokens of each row count. ``image_index`` (B,) is
        the row of ``features`` that each caption is paired with.

        The LSTM reads the caption's tokens and the end token, which marks a caption as complete and gives an empty
        caption an input. It does not read the start token, which is the same for all captions.
        """
        tokens = pad(captions, (0, 1))
        tokens = tokens.scatter(1, lengths.unsqueeze(1), self.config.end_token)
        prefixes = distinct_prefixes(tokens, lengths + 1, torch.zeros_like(lengths))
        projected = compute_per_token(prefixes.tokens, lambda distinct: self.lstm.input(self.words(distinct)))
        states = self.lstm.unroll(projected, prefixes.levels, self.lstm.zero_state(1))
        complete = prefixes.at_step[prefixes.distinct].gather(1, lengths.unsqueeze(1)).squeeze(1)  # (B,)
        return (self.image(features.pooled)[image_index] * states.h[complete]).sum(dim=1).float()
