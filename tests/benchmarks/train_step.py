"""A step of MLE and of CL (K = 5) at standard size, 10 images × 5 captions: clcap against plain PyTorch."""

import torch

from clcap_cli.models.captioner import Captioner
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.training.skipped_steps import check_finite_step, gradient_norm
from tests.benchmarks import naive_baseline
from tests.benchmarks.measure import (
    Captions,
    compare_times,
    flops_per_word,
    parse_arguments,
    peak_memory,
    product_peak,
    seconds,
    standard_captions,
    standard_images,
    standard_model,
)

IMAGES, EACH, K = 10, 5, 5


class Step:
    """One training step in both implementations: forward, loss and backward, with the same weights and data."""

    def __init__(self, name: str, objective: str, device: str):
        self.objective = objective
        self.model, self.features = standard_model(name, device), standard_images(IMAGES, device)
        self.reference: Captioner = standard_model(name, device).eval().requires_grad_(False)
        sets = 1 if objective == "mle" else 1 + K
        whole = standard_captions(IMAGES * sets, EACH, device)
        image = (torch.arange(IMAGES).repeat_interleave(EACH)).repeat(sets).to(device)
        self.captions = Captions(whole.tokens, whole.lengths, image)
        self.sets = sets

    def ours(self) -> torch.Tensor:
        log_probs = self._log_probs(self.model)
        if self.objective == "mle":
            return self._finish(nats_per_token(log_probs, self.captions.lengths), log_probs)
        with torch.no_grad():
            reference = self._log_probs(self.reference)
        return self._finish(self._contrastive(log_probs, reference), log_probs)

    def ours_in_bf16(self) -> torch.Tensor:
        with torch.autocast(self.features.pooled.device.type, torch.bfloat16):
            return self.ours()

    def plain(self) -> torch.Tensor:
        """The plain step: one set of captions after another, with a copy of the image for every caption."""
        parts, reference = [], []
        for c in self._sets():
            images = self.features[c.image]
            parts.append(naive_baseline.sequence_log_prob(self.model, images, c.tokens, c.lengths))
            if self.objective == "cl":
                with torch.no_grad():
                    reference.append(naive_baseline.sequence_log_prob(self.reference, images, c.tokens, c.lengths))
        if self.objective == "mle":
            return self._finish(nats_per_token(parts[0], self.captions.lengths), parts[0])
        log_probs = torch.cat(parts)
        return self._finish(self._contrastive(log_probs, torch.cat(reference)), log_probs)

    def _contrastive(self, target: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        rows = (each.view(self.sets, -1) for each in (target, self.captions.lengths + 1, reference))
        return Contrastive().loss(PairLogProbs(*rows))

    def _log_probs(self, model: Captioner) -> torch.Tensor:
        c = self.captions
        return model.sequence_log_prob(model.encode(self.features), c.tokens, c.lengths, c.image)

    def _sets(self) -> list[Captions]:
        c = self.captions
        columns = zip(*(part.chunk(self.sets) for part in (c.tokens, c.lengths, c.image)), strict=True)
        return [Captions(*column) for column in columns]

    def _finish(self, loss: torch.Tensor, log_probs: torch.Tensor) -> torch.Tensor:
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        return log_probs.detach()


def gradient_check_seconds(model: Captioner, device: str) -> float:
    """Seconds to check that loss and gradients are finite."""
    loss = torch.zeros((), device=device)
    check = lambda: check_finite_step([loss], gradient_norm(model.parameters()))  # noqa: E731
    return min(seconds(check, device) for _ in range(10))


def side(name: str, objective: str, which: str):
    """One implementation, ready to run in a separate process."""
    return getattr(Step(name, objective, "cpu"), which)


def main() -> None:
    given = parse_arguments(__doc__)
    peak = product_peak(given.device)
    print(f"fp32 matrix product: {peak / 1e9:.0f} GFLOP/s; {torch.get_num_threads()} threads")
    for name in given.models:
        for objective in ("mle", "cl"):
            step = Step(name, objective, given.device)
            assert torch.allclose(step.ours(), step.plain(), rtol=0, atol=1e-4)
            own, other, ratio = compare_times(step.ours, step.plain, given.runs, given.device)
            flop = flops_per_word(step.model) * step.captions.words * (3 if objective == "mle" else 4)
            print(
                f"{name} {objective} fp32: {own:.2f} s against {other:.2f} s, {ratio}; {flop / own / peak:.0%} of peak"
            )
            share = gradient_check_seconds(step.model, given.device) / own
            print(f"{name} {objective}: checking that the gradient is finite takes {share:.2%} of a step")
            if objective == "cl":
                step.ours_in_bf16()
                own, other, ratio = compare_times(step.ours_in_bf16, step.plain, given.runs, given.device)
                print(f"{name} cl bf16 against plain fp32: {own:.2f} s against {other:.2f} s, {ratio}")
            if given.device == "cpu":
                memory = [peak_memory(side, name, objective, which) for which in ("ours", "plain")]
                print(f"{name} {objective} memory: {memory[0]:.0f} MiB against {memory[1]:.0f} MiB")


if __name__ == "__main__":
    main()
