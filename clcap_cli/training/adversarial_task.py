"""Conditional GAN training on one split, with validation on another (Dai, Fidler, Urtasun & Lin 2017)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.random_streams import Purpose, random_generator, torch_seed
from clcap_cli.console import print_info, progress
from clcap_cli.decoding.sampling import sample
from clcap_cli.errors import ClcapError
from clcap_cli.features.pixel_captioner import captioner_in, features_seen
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.adversarial import Adversarial, captioner_loss, discriminator_loss, reward_spread
from clcap_cli.objectives.mle import with_likelihood
from clcap_cli.training.data import CaptionBatch, shuffled_batches
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.optimizer import Adam
from clcap_cli.training.skipped_steps import SkippedSteps, check_finite_step, gradient_norm
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample, split_log_probs

DISCRIMINATOR_LR = 3e-4
"""Learning rate of the discriminator."""
KINDS = ("matched", "mismatched", "generated")
"""Kinds of captions that the discriminator scores."""
WARM_UP_EPOCHS = 5
"""Number of epochs that train only the discriminator, as in the paper."""


@dataclass(frozen=True)
class LoadedImages:
    """Features of n images, and their captions with one mismatched caption for each."""

    features: ImageFeatures
    """Features of the n images."""
    pairs: CaptionBatch
    """2 × P captions, the matched ones first, each with the image that it is paired with."""


@dataclass(frozen=True)
class Logits:
    """The discriminator's logits of r for each kind of caption."""

    matched: Tensor
    """(P,) references with their own images."""
    mismatched: Tensor
    """(P,) captions of other images."""
    generated: Tensor
    """(k × n,) captions sampled from the captioner."""

    @property
    def loss(self) -> Tensor:
        """The discriminator's loss, a scalar."""
        return discriminator_loss(self.matched, self.mismatched, self.generated)

    @property
    def metrics(self) -> dict[str, Tensor]:
        """The discriminator's loss and the mean r of each kind of caption."""
        means = {f"score_{kind}": getattr(self, kind).detach().sigmoid().mean() for kind in KINDS}
        return {"discriminator_loss": self.loss.detach(), **means}


class AdversarialSplit:
    """The images of one split with matched and mismatched captions."""

    def __init__(self, features: FeatureSource, negatives: NegativeSampler):
        self.captions, self.features, self.negatives = negatives.split, features, negatives

    def mismatched(self, batches: Sequence[np.ndarray], rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches of images with one mismatched caption for each of their captions."""
        return self.negatives.mismatched(batches, 1, rng)

    def load(self, batch: MismatchedBatch, epoch: int | None = None) -> LoadedImages:
        """Load the batch's captions and features, in an ``epoch`` of training those of its views."""
        source = self.features if epoch is None else self.features.in_epoch(epoch)
        caption_indices, image = self.captions.captions_of_images(batch.positions)
        pairs = self.captions.batch(np.concatenate([caption_indices, *batch.negatives]), np.tile(image, 2))
        return LoadedImages(source.read(batch.positions), pairs)


class AdversarialTask:
    """Trains a captioner and a discriminator that learns to tell sampled captions from references.

    Each step samples k captions per image, trains the discriminator on them and on the references, and uses the
    discriminator's score r of each sample as its reward.
    """

    def __init__(self, objective: Adversarial, inputs: TaskInputs):
        """Raises ClcapError for k below 2."""
        if inputs.k < 2:
            raise ClcapError(
                f"--k {inputs.k}: the adversarial objective needs at least 2 sampled captions per image, because it "
                "compares the reward of a caption with those of the image's other captions"
            )
        assert inputs.discriminator is not None
        target, val, self.objective = inputs.target, inputs.val, objective
        self.discriminator, self.discriminator_is_trained = inputs.discriminator, inputs.discriminator_is_trained
        self.before_steps = "" if self.discriminator_is_trained else "the warm-up of the discriminator"
        self.model, self.k, self.settings, self.seed = target.model, inputs.k, inputs.batch, inputs.seed
        self.device = val.device
        self.train_split, self.val_split = (
            AdversarialSplit(target.source(negatives.split.ids), negatives)
            for negatives in (inputs.negatives, NegativeSampler(val))
        )
        blocks = self.val_split.features.blocks(self.settings.batch_size)
        self.val_batches = self.val_split.mismatched(blocks, random_generator(self.seed, "validation negatives"))
        self.sample = CaptionSample(val, target.features, target.model, self.seed)
        self.optimizer = Adam(self.discriminator.parameters(), lr=DISCRIMINATOR_LR)
        self.skipped_in_warm_up = SkippedSteps()
        self.generator = self._generator("sampling")
        self.extra_state = ExtraState(
            {"discriminator": self.discriminator}, {"discriminator": self.optimizer}, {"sampling": self.generator}
        )

    def prepare(self) -> None:
        """Do nothing."""

    def warm_up(self) -> None:
        """Train the discriminator, unless it was trained before, and not the captioner."""
        for epoch in range(0 if self.discriminator_is_trained else WARM_UP_EPOCHS):
            order_rng = random_generator(self.seed, "warm-up order", epoch)
            negatives_rng = random_generator(self.seed, "warm-up negatives", epoch)
            self._warm_up_epoch(
                self._batches(order_rng, negatives_rng), f"discriminator, epoch {epoch + 1}/{WARM_UP_EPOCHS}"
            )

    def _warm_up_epoch(self, batches: Sequence[MismatchedBatch], label: str) -> None:
        """Train the discriminator for one epoch, and print its mean metrics."""
        steps = []
        for step, loaded in enumerate(progress(Prefetcher(self.train_split.load, batches), len(batches), label), 1):
            with self.skipped_in_warm_up.skipping(f"{label}, step {step}", "try another --seed"):
                seen = self._seen(loaded)
                steps.append(self._train_discriminator(seen, self._sample_for_training(seen)))
        if not steps:
            return
        means = {name: float(sum(metrics[name] for metrics in steps)) / len(steps) for name in steps[0]}
        scores = ", ".join(f"{kind} {means[f'score_{kind}']:.2f}" for kind in KINDS)
        print_info(f"{label}: loss {means['discriminator_loss']:.4f}, mean scores: {scores}")

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's order, with newly drawn mismatched captions."""
        negatives_rng = random_generator(self.seed, "negatives", epoch)
        return self._batches(random_generator(self.seed, "order", epoch), negatives_rng)

    def micro_batches(self, batch: MismatchedBatch) -> list[tuple[MismatchedBatch, float]]:
        """The whole batch as one micro-batch, since the discriminator takes one step on it."""
        return [(batch, 1.0)]

    def load(self, batch: MismatchedBatch, epoch: int = 1) -> LoadedImages:
        """Load the batch's captions and features."""
        return self.train_split.load(batch, epoch)

    def loss(self, loaded: LoadedImages) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The captioner's loss after one step of the discriminator, with the mean score of each kind of caption."""
        seen = self._seen(loaded)
        generated = self._sample_for_training(seen)
        metrics = self._train_discriminator(seen, generated)
        with torch.no_grad():
            rewards = self._logits(seen.features, generated).sigmoid().view(self.k, -1)
        loss = captioner_loss(self._log_probs(loaded, generated).view(self.k, -1), rewards)
        if self.objective.mle_weight:
            references = loaded.pairs[: len(loaded.pairs) // 2]
            loss = with_likelihood(loss, self._log_probs(loaded, references), self.objective.mle_weight)
        return loss, {**metrics, "reward_spread": reward_spread(rewards)}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Mean discriminator scores, log-probability of references, and self-retrieval of a sample."""
        split, generator = self.val_split, self._generator("validation sampling")
        logits = _concatenate(
            [
                self._all_logits(seen, self._sample(seen.features, 1, generator))
                for seen in map(self._seen, Prefetcher(split.load, self.val_batches))
            ]
        )
        log_probs, _ = split_log_probs(self.model, split.captions, split.features)
        metrics = {
            **{name: float(value) for name, value in logits.metrics.items()},
            "log_prob": float(log_probs.mean()),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": value for name, value in metrics.items()}

    def _batches(self, order_rng: np.random.Generator, negatives_rng: np.random.Generator) -> list[MismatchedBatch]:
        split = self.train_split
        batches = shuffled_batches(len(split.captions), self.settings.batch_size, order_rng, split.features.parts)
        return split.mismatched(batches, negatives_rng)

    def _generator(self, purpose: Purpose) -> torch.Generator:
        """Random generator for sampling, on the model's device."""
        return torch.Generator(self.device).manual_seed(torch_seed(self.seed, purpose))

    def _seen(self, loaded: LoadedImages) -> LoadedImages:
        """The images as the captioner sees them now, which is also what the discriminator gets."""
        return replace(loaded, features=features_seen(self.model, loaded.features))

    def _sample_for_training(self, loaded: LoadedImages) -> CaptionBatch:
        """Sample k captions per image without dropout: k × n captions, row j × n + i for image i."""
        training = self.model.training
        self.model.eval()
        generated = self._sample(loaded.features, self.k, self.generator)
        self.model.train(training)
        return generated

    @torch.no_grad()
    def _sample(self, features: ImageFeatures, k: int, generator: torch.Generator) -> CaptionBatch:
        captioner = captioner_in(self.model)
        decoded = sample(captioner, captioner.encode(features), k, generator)
        image = torch.arange(len(features), device=self.device).repeat(k)
        return CaptionBatch(decoded.captions, decoded.lengths, image)

    def _train_discriminator(self, loaded: LoadedImages, generated: CaptionBatch) -> dict[str, Tensor]:
        """Train the discriminator for one step; returns its metrics before the step.

        Raises NonFiniteError, and changes nothing, if its loss or gradient is not finite.
        """
        with torch.autocast(
            self.device.type, enabled=False
        ):  # the loop's autocast does not apply to this backward pass
            logits = self._all_logits(loaded, generated)
            self.optimizer.zero_grad(set_to_none=True)
            logits.loss.backward()
            check_finite_step([logits.loss], gradient_norm(self.discriminator.parameters()), "discriminator's ")
            self.optimizer.step()
        return logits.metrics

    def _log_probs(self, loaded: LoadedImages, batch: CaptionBatch) -> Tensor:
        """ln p(c|I) of the captions of ``batch`` under the captioner."""
        return self.model(loaded.features, batch.captions, batch.lengths, batch.image_index)

    def _all_logits(self, loaded: LoadedImages, generated: CaptionBatch) -> Logits:
        matched, mismatched = self._logits(loaded.features, loaded.pairs).chunk(2)
        return Logits(matched, mismatched, self._logits(loaded.features, generated))

    def _logits(self, features: ImageFeatures, batch: CaptionBatch) -> Tensor:
        """Logits of r for the captions of ``batch``."""
        return self.discriminator.logits(features, batch.captions, batch.lengths, batch.image_index)


def _concatenate(parts: Sequence[Logits]) -> Logits:
    return Logits(*(torch.cat([getattr(part, kind) for part in parts]) for kind in KINDS))
