"""Training as a conditional GAN on one split, validated on another (Dai, Fidler, Urtasun & Lin 2017)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.random_streams import Purpose, random_generator, torch_seed
from clcap_cli.console import progress, say
from clcap_cli.decoding.sampling import sample
from clcap_cli.errors import ClcapError
from clcap_cli.features.source import FeatureSource
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.adversarial import Adversarial, captioner_loss, discriminator_loss, reward_spread
from clcap_cli.training.data import CaptionBatch, shuffled_batches
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample, split_log_probs

DISCRIMINATOR_LR = 3e-4
WARM_UP_EPOCHS = 5
"""As the paper has it."""


@dataclass(frozen=True)
class LoadedPairs:
    """What people wrote, ready to be computed."""

    features: ImageFeatures
    """n images."""
    pairs: CaptionBatch
    """2 × P captions, the matched ones first, each with the image that it is put with."""


@dataclass(frozen=True)
class Scores:
    """The discriminator's logits."""

    matched: Tensor
    """(P,)"""
    mismatched: Tensor
    """(P,)"""
    generated: Tensor
    """(captions made by the captioner,)"""

    @property
    def loss(self) -> Tensor:
        """The discriminator's loss, a scalar."""
        return discriminator_loss(self.matched, self.mismatched, self.generated)

    @property
    def metrics(self) -> dict[str, Tensor]:
        """The discriminator's loss and the mean r of each kind of caption."""
        kinds = ("matched", "mismatched", "generated")
        means = {f"score_{kind}": getattr(self, kind).detach().sigmoid().mean() for kind in kinds}
        return {"discriminator_loss": self.loss.detach(), **means}


class AdversarialSplit:
    """One split: pairs that people wrote, matched and mismatched, and the images' features."""

    def __init__(self, features: FeatureSource, negatives: NegativeSampler):
        self.captions, self.features, self.negatives = negatives.split, features, negatives

    def mismatched(self, batches: Sequence[np.ndarray], rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches of images with one mismatched caption for each of theirs."""
        return self.negatives.mismatched(batches, 1, rng)

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features."""
        numbers, image = self.captions.captions_of_images(batch.positions)
        pairs = self.captions.batch(np.concatenate([numbers, *batch.negatives]), np.tile(image, 2))
        return LoadedPairs(self.features.read(batch.positions), pairs)


class AdversarialTask:
    """The captioner learns to please an discriminator, which learns to tell its captions from people's.

    Each step samples k captions per image, trains the discriminator on them and on the references, and uses the
    discriminator's score r as the reward of each sample.
    """

    def __init__(self, objective: Adversarial, inputs: TaskInputs):
        """Raises ClcapError for a k below 2."""
        if inputs.k < 2:
            raise ClcapError(
                f"--k {inputs.k}: the reward of a caption is compared with that of the image's others, so the "
                "adversarial objective needs at least 2 sampled captions of an image"
            )
        assert inputs.discriminator is not None
        target, val, self.discriminator, self.discriminator_is_trained = (
            inputs.target,
            inputs.val,
            inputs.discriminator,
            inputs.discriminator_is_trained,
        )
        self.model, self.k, self.settings, self.seed = target.model, inputs.k, inputs.batch, inputs.seed
        self.device = val.device
        self.train_split, self.val_split = (
            AdversarialSplit(StoredFeatures(target.features, drawn.split.ids, target.model), drawn)
            for drawn in (inputs.negatives, NegativeSampler(val))
        )
        blocks = self.val_split.features.blocks(self.settings.batch_size)
        self.val_batches = self.val_split.mismatched(blocks, random_generator(self.seed, "validation negatives"))
        self.sample = CaptionSample(val, target.features, target.model, self.seed)
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=DISCRIMINATOR_LR)
        self.generator = self._generator("sampling")
        self.extra_state = ExtraState(
            {"discriminator": self.discriminator}, {"discriminator": self.optimizer}, {"sampling": self.generator}
        )

    def prepare(self) -> None:
        """Train the discriminator, unless it is warm, while the captioner stays as it is."""
        for epoch in range(0 if self.discriminator_is_trained else WARM_UP_EPOCHS):
            order, drawn = (
                random_generator(self.seed, "warm-up order", epoch),
                random_generator(self.seed, "warm-up negatives", epoch),
            )
            batches, what = self._batches(order, drawn), f"discriminator, epoch {epoch + 1}/{WARM_UP_EPOCHS}"
            loaded = Prefetcher(self.train_split.load, batches)
            metrics = [self._teach(one, self._generate(one)) for one in progress(loaded, len(batches), what)]
            means = {name: float(sum(one[name] for one in metrics)) / len(batches) for name in metrics[0]}
            say(f"{what}  " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()))

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's own order, with mismatched captions drawn anew."""
        return self._batches(
            random_generator(self.seed, "order", epoch), random_generator(self.seed, "negatives", epoch)
        )

    def parts(self, batch: MismatchedBatch) -> list[tuple[MismatchedBatch, float]]:
        """The whole batch: the discriminator takes one step on it."""
        return [(batch, 1.0)]

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features."""
        return self.train_split.load(batch)

    def loss(self, loaded: LoadedPairs) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The captioner's loss after one step of the discriminator, and the mean score of each kind of caption."""
        generated = self._generate(loaded)
        metrics = self._teach(loaded, generated)
        with torch.no_grad():
            rewards = self._score(loaded.features, generated).sigmoid().view(self.k, -1)
        log_probs = self.model(loaded.features, generated.captions, generated.lengths, generated.image)
        loss = captioner_loss(log_probs.view(self.k, -1), rewards)
        return loss, {**metrics, "reward_spread": reward_spread(rewards)}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """The discriminator's scores of held-out and of sampled captions, log-probability, and self-retrieval."""
        split, generator = self.val_split, self._generator("validation sampling")
        scores = _concatenate(
            [
                self._scores(loaded, self._sample(loaded.features, 1, generator))
                for loaded in Prefetcher(split.load, self.val_batches)
            ]
        )
        log_probs, _ = split_log_probs(self.model, split.captions, split.features)
        metrics = {
            **{name: float(value) for name, value in scores.metrics.items()},
            "log_prob": float(log_probs.mean()),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": value for name, value in metrics.items()}

    def _batches(self, order: np.random.Generator, drawn: np.random.Generator) -> list[MismatchedBatch]:
        batches = shuffled_batches(len(self.train_split.captions), self.settings.batch_size, order)
        return self.train_split.mismatched(batches, drawn)

    def _generator(self, purpose: Purpose) -> torch.Generator:
        """The random numbers of sampling, on the model's device."""
        return torch.Generator(self.device).manual_seed(torch_seed(self.seed, purpose))

    def _generate(self, loaded: LoadedPairs) -> CaptionBatch:
        """k captions of each image, sampled without dropout: k × n, image by image within each of the k."""
        training = self.model.training
        self.model.eval()
        generated = self._sample(loaded.features, self.k, self.generator)
        self.model.train(training)
        return generated

    @torch.no_grad()
    def _sample(self, features: ImageFeatures, k: int, generator: torch.Generator) -> CaptionBatch:
        found = sample(self.model, self.model.encode(features), k, generator)
        image = torch.arange(len(features), device=self.device).repeat(k)
        return CaptionBatch(found.captions, found.lengths, image)

    def _teach(self, loaded: LoadedPairs, generated: CaptionBatch) -> dict[str, Tensor]:
        """One step of the discriminator, and its metrics before it."""
        with torch.autocast(self.device.type, enabled=False):  # its backward pass is taken here
            scores = self._scores(loaded, generated)
            self.optimizer.zero_grad(set_to_none=True)
            scores.loss.backward()
            self.optimizer.step()
        return scores.metrics

    def _scores(self, loaded: LoadedPairs, generated: CaptionBatch) -> Scores:
        matched, mismatched = self._score(loaded.features, loaded.pairs).chunk(2)
        return Scores(matched, mismatched, self._score(loaded.features, generated))

    def _score(self, features: ImageFeatures, batch: CaptionBatch) -> Tensor:
        """Logits of r, one a caption of ``batch``."""
        return self.discriminator.logits(features, batch.captions, batch.lengths, batch.image)


def _concatenate(parts: Sequence[Scores]) -> Scores:
    kinds = ("matched", "mismatched", "generated")
    return Scores(*(torch.cat([getattr(part, kind) for part in parts]) for kind in kinds))
