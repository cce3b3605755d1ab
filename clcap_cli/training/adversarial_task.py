"""Conditional GAN training on one split, with validation on another (Dai, Fidler, Urtasun & Lin 2017)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import all_reduced, sum_gradients, summed
from clcap_cli.compute.divided_model import whole
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.processes import ALONE, Processes, processes
from clcap_cli.compute.random_streams import Purpose, random_generator, torch_seed
from clcap_cli.console import print_info, progress
from clcap_cli.decoding.sampling import sample, sampling_noise
from clcap_cli.errors import ClcapError
from clcap_cli.features.pixel_captioner import captioner_in, features_seen
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.adversarial import Adversarial, captioner_loss, discriminator_loss, reward_spread
from clcap_cli.training.data import CaptionBatch, belongs_to, shuffled_batches
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
    part: "Part"


@dataclass(frozen=True)
class Part:
    """The images of a batch that one process computes."""

    batch: MismatchedBatch
    images: slice
    """Their places in the whole batch."""
    batch_size: int
    """Number of images in the whole batch."""
    share: float
    """Their share of the batch's captions."""
    image_share: float
    """Their share of the batch's images; 0 like the other one where they are another process's."""


@dataclass(frozen=True)
class Logits:
    """The discriminator's logits of r for each kind of caption."""

    matched: Tensor
    """(P,) references with their own images."""
    mismatched: Tensor
    """(P,) captions of other images."""
    generated: Tensor
    """(k × n,) captions sampled from the captioner."""

    def loss(self, share: float = 1.0, image_share: float = 1.0) -> Tensor:
        """The discriminator's loss, a scalar, of a part of a batch with these shares of its captions and images."""
        return discriminator_loss(self.matched, self.mismatched, self.generated, share, image_share)

    @property
    def metrics(self) -> dict[str, Tensor]:
        """The discriminator's loss and the mean r of each kind of caption."""
        means = {f"score_{kind}": getattr(self, kind).detach().sigmoid().mean() for kind in KINDS}
        return {"discriminator_loss": self.loss().detach(), **means}


class AdversarialSplit:
    """The images of one split with matched and mismatched captions."""

    def __init__(self, features: FeatureSource, negatives: NegativeSampler):
        self.captions, self.features, self.negatives = negatives.split, features, negatives

    def mismatched(self, batches: Sequence[np.ndarray], rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches of images with one mismatched caption for each of their captions."""
        return self.negatives.mismatched(batches, 1, rng)

    def part(self, batch: MismatchedBatch, among: Processes) -> Part:
        """The part of a batch that this process computes; one of no weight if there are more processes than images."""
        _, image = self.captions.captions_of_images(batch.positions)
        places = among.share(range(len(batch.positions)))
        images = slice(places[0], places[-1] + 1) if places else slice(0, 1)
        own = belongs_to(image, images)
        weights = (float(own.mean()), len(places) / len(batch.positions)) if places else (0.0, 0.0)
        return Part(batch.part(images, own), images, len(batch.positions), *weights)

    def load(self, part: Part, epoch: int | None = None) -> LoadedImages:
        """Load the captions and features of a part of a batch, in an ``epoch`` of training those of its views."""
        batch = part.batch
        source = self.features if epoch is None else self.features.in_epoch(epoch)
        caption_indices, image = self.captions.captions_of_images(batch.positions)
        pairs = self.captions.batch(np.concatenate([caption_indices, *batch.negatives]), np.tile(image, 2))
        return LoadedImages(source.read(batch.positions), pairs, part)


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
        val_batches = self.val_split.mismatched(blocks, random_generator(self.seed, "validation negatives"))
        self.val_parts = [self.val_split.part(batch, ALONE) for batch in val_batches]
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
        parts = [self.train_split.part(batch, processes()) for batch in batches]
        for step, loaded in enumerate(progress(Prefetcher(self.train_split.load, parts), len(parts), label), 1):
            with self.skipped_in_warm_up.skipping(f"{label}, step {step}", "try another --seed"):
                seen = self._seen(loaded)
                metrics = self._train_discriminator(seen, self._sample_for_training(seen))
                steps.append(summed({name: value * loaded.part.image_share for name, value in metrics.items()}))
        if not steps:
            return
        means = {name: float(sum(metrics[name] for metrics in steps)) / len(steps) for name in steps[0]}
        scores = ", ".join(f"{kind} {means[f'score_{kind}']:.2f}" for kind in KINDS)
        print_info(f"{label}: loss {means['discriminator_loss']:.4f}, mean scores: {scores}")

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's order, with newly drawn mismatched captions."""
        negatives_rng = random_generator(self.seed, "negatives", epoch)
        return self._batches(random_generator(self.seed, "order", epoch), negatives_rng)

    def micro_batches(self, batch: MismatchedBatch, among: Processes = ALONE) -> list[tuple[Part, float]]:
        """The batch as one micro-batch for each process, since the discriminator takes one step on it."""
        part = self.train_split.part(batch, among)
        return [(part, part.image_share)]

    def load(self, part: Part, epoch: int = 1) -> LoadedImages:
        """Load the captions and features of a part of a batch."""
        return self.train_split.load(part, epoch)

    def loss(self, loaded: LoadedImages) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The captioner's loss after one step of the discriminator, with the mean score of each kind of caption."""
        with whole(self.model):
            seen = self._seen(loaded)
            generated = self._sample_for_training(seen)
        metrics = self._train_discriminator(seen, generated)
        with torch.no_grad():
            rewards = self._logits(seen.features, generated).sigmoid().view(self.k, -1)
        loss = captioner_loss(self._log_probs(loaded, generated).view(self.k, -1), rewards)
        if self.objective.mle_weight:
            references, part = loaded.pairs[: len(loaded.pairs) // 2], loaded.part
            # The loop weighs the whole loss by the part's share of images.
            weight = self.objective.mle_weight * part.share / (part.image_share or 1.0)
            # Also with a weight of 0: the processes of a divided model all need the same backward pass.
            loss = loss - weight * self._log_probs(loaded, references).mean()
        return loss, {**metrics, "reward_spread": reward_spread(rewards)}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Mean discriminator scores, log-probability of references, and self-retrieval of a sample."""
        split, generator = self.val_split, self._generator("validation sampling")
        logits = _concatenate(
            [
                self._all_logits(seen, self._sample(seen, 1, generator))
                for seen in map(self._seen, Prefetcher(split.load, self.val_parts))
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
        generated = self._sample(loaded, self.k, self.generator)
        self.model.train(training)
        return generated

    @torch.no_grad()
    def _sample(self, loaded: LoadedImages, k: int, generator: torch.Generator) -> CaptionBatch:
        captioner, part = captioner_in(self.model), loaded.part
        noise = sampling_noise(captioner.config.max_length, k, part.batch_size, generator)[..., part.images]
        decoded = sample(captioner, captioner.encode(loaded.features), k, noise)
        image = torch.arange(len(loaded.features), device=self.device).repeat(k)
        return CaptionBatch(decoded.captions, decoded.lengths, image)

    def _train_discriminator(self, loaded: LoadedImages, generated: CaptionBatch) -> dict[str, Tensor]:
        """Train the discriminator for one step; returns its metrics before the step.

        Raises NonFiniteError, and changes nothing, if its loss or gradient is not finite.
        """
        with torch.autocast(
            self.device.type, enabled=False
        ):  # the loop's autocast does not apply to this backward pass
            logits, part = self._all_logits(loaded, generated), loaded.part
            self.optimizer.zero_grad(set_to_none=True)
            loss = logits.loss(part.share, part.image_share)
            loss.backward()
            sum_gradients(self.discriminator.parameters())
            check_finite_step(
                [all_reduced(loss.detach())], gradient_norm(self.discriminator.parameters()), "discriminator's "
            )
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
