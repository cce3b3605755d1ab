"""A synthetic dataset for captioners: images that show objects, and captions that mention some of them.

Word frequencies are as uneven as in human-written captions: few common words, and a long tail of rare ones that no
image explains.
"""

import copy
from collections import Counter
from typing import Self

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.precision import bf16_obstacle
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.tokenizers.words import SPECIAL_TOKENS
from tests.benchmarks.measure import CHANNELS, REGIONS, VOCABULARY

KINDS = {"who": 300, "does": 120, "like": 60, "where": 200, "with": 300}
"""Attributes of an image and their numbers of values; the first value is the most common."""
RARE, WITH_RARE = 6000, 0.1
NOISE = 20
"""Noise of the features relative to 1 per object: large enough that many images look alike, as photos do."""
GRAMMAR = tuple(
    pattern.split()
    for pattern in (
        "a LIKE WHO is DOES in a WHERE",
        "WHO DOES at the WHERE",
        "the LIKE WHO that is DOES near a WITH",
        "a WHO is DOES on a WHERE with a WITH",
        "there is a LIKE WHO DOES by the WHERE",
        "a LIKE WHO and a WITH in the WHERE",
        "a picture of a LIKE WHO DOES with a WITH in a WHERE",
        "two LIKE WHO are DOES over a WHERE next to a WITH",
    )
)
EACH, IMAGES, K = 5, 10, 5


class World(FeatureSource):
    """A world of ``count`` images and their features."""

    def __init__(self, count: int, seed: int, device: str = "cpu"):
        self.draw = np.random.default_rng(seed)
        self.device = torch.device(device)
        self.shown = [np.minimum(self.draw.zipf(1.3, count) - 1, kinds - 1) for kinds in KINDS.values()]
        fixed = np.random.default_rng(0)
        looks = [fixed.normal(size=(kinds, CHANNELS)) for kinds in KINDS.values()]
        seen = sum(look[shown] for look, shown in zip(looks, self.shown, strict=True))
        features = seen + NOISE * self.draw.normal(size=(count, CHANNELS))
        self.vectors = (features / features.std()).astype(np.float32)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def id(self) -> str:
        return f"made up {id(self)}"

    def first(self, count: int) -> Self:
        part = copy.copy(self)
        part.vectors = self.vectors[:count]
        return part

    def read(self, positions: np.ndarray) -> ImageFeatures:
        pooled = torch.from_numpy(self.vectors[positions]).to(self.device)
        return ImageFeatures(pooled, pooled.unsqueeze(1).expand(-1, REGIONS, -1))

    def words(self, image: int) -> list[str]:
        """A random sentence about an image."""
        slots = dict(zip(KINDS, (shown[image] for shown in self.shown), strict=True))
        pattern = GRAMMAR[self.draw.integers(len(GRAMMAR))]
        result = [f"{word}{slots[word.lower()]}" if word.isupper() else word for word in pattern]
        if self.draw.random() < WITH_RARE:
            result.insert(int(self.draw.integers(len(result))), f"rare{min(self.draw.zipf(1.2), RARE)}")
        return result


class TrainingBatches:
    """Batches for MLE and CL."""

    def __init__(self, world: World):
        self.world = world
        counts = Counter(word for image in np.repeat(np.arange(len(world)), EACH) for word in world.words(image))
        every = [word for word, _ in counts.most_common(VOCABULARY - len(SPECIAL_TOKENS))]
        self.number = {word: position for position, word in enumerate(every, start=len(SPECIAL_TOKENS))}

    def captions(self, about: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Captions of the images ``about``, each paired with the image at the same position of the batch."""
        result = [[self.number.get(word, 1) for word in self.world.words(image)] for image in np.repeat(about, EACH)]
        lengths = torch.tensor([len(words) for words in result])
        tokens = torch.zeros(len(result), int(lengths.max()), dtype=torch.int64)
        for row, words in enumerate(result):
            tokens[row, : len(words)] = torch.tensor(words)
        image = torch.arange(len(about)).repeat_interleave(EACH)
        return tokens.to(self.world.device), lengths.to(self.world.device), image.to(self.world.device)

    def learn(self, model: Captioner, reference: Captioner | None, steps: int) -> None:
        """Train for ``steps`` steps of MLE, or of CL with ``reference``, in bf16 where that is faster."""
        fast_bf16 = bf16_obstacle(self.world.device) is None
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 if reference is None else 1e-4, fused=True)
        model.train()
        for _ in range(steps):
            about = self.world.draw.integers(len(self.world), size=IMAGES)
            others = [self.world.draw.integers(len(self.world), size=IMAGES) for _ in range(K if reference else 0)]
            sets = [self.captions(some) for some in (about, *others)]
            features = self.world.read(about)
            with torch.autocast(self.world.device.type, torch.bfloat16, enabled=fast_bf16):
                loss = _loss(model, reference, features, sets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()


def _loss(model: Captioner, reference: Captioner | None, features: ImageFeatures, sets: list) -> Tensor:
    """The loss of MLE on one set of captions, or of CL on 1 + K sets with ``reference``."""
    log_probs = _log_probs(model, features, sets)
    if reference is None:
        return nats_per_token(log_probs[0], sets[0][1])
    with torch.no_grad():
        before = _log_probs(reference, features, sets)
    tokens = torch.stack([lengths + 1 for _, lengths, _ in sets])
    return Contrastive().loss(PairLogProbs(log_probs, tokens, before))


def _log_probs(model: Captioner, features: ImageFeatures, sets: list) -> Tensor:
    encoded = model.encode(features)
    return torch.stack([model.sequence_log_prob(encoded, *part) for part in sets])
