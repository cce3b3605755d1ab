"""A step of MLE and of CL at standard size, with Adam and 5 captions for each image: clcap against plain PyTorch.

Captions are those of COCO's photos, and random ones.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.compute.precision import bf16_obstacle
from clcap_cli.models.captioner import Captioner
from clcap_cli.training.skipped_steps import check_finite_step, gradient_norm
from tests.benchmarks.batches import IMAGES, Batch, random_batches, real_batches, save_batches
from tests.benchmarks.flops import share_of_peak, step_flops
from tests.benchmarks.measure import argument_parser, compared, seconds
from tests.benchmarks.memory import peak_memory
from tests.benchmarks.plain_step import plain_log_probs, plain_step
from tests.benchmarks.real_captions import RealCaptions
from tests.benchmarks.steps import Step, standard_step, step_in_bf16, stored_step
from tests.benchmarks.worker import Worker, clcap_workers, run_in_turn

IN_BF16 = "in bf16"
EQUAL = 1e-5
"""Largest difference of two implementations' ln p and gradients, relative to the largest value."""


def largest_differences(one: Step, two: Step) -> tuple[float, float]:
    """Largest difference of ln p and of gradients on the first batch, each relative to the largest absolute value."""
    log_probs, gradients = [], []
    for step in (one, two):
        batch = step.batches[0]
        log_probs.append(step.log_probs(step.model, batch).detach())
        found = torch.autograd.grad(step.loss(batch), list(step.model.parameters()))
        gradients.append(torch.cat([part.flatten() for part in found]))
    return _relative(*log_probs), _relative(*gradients)


def _relative(one: Tensor, two: Tensor) -> float:
    return float((one - two).abs().max() / two.abs().max())


def gradient_check_seconds(model: nn.Module, device: str) -> float:
    """Seconds to check that loss and gradients are finite."""
    loss = torch.zeros((), device=device)
    check = lambda: check_finite_step([loss], gradient_norm(model.parameters()))  # noqa: E731
    return min(seconds(check, device) for _ in range(10))


def workers(name: str, path: Path, given: argparse.Namespace) -> dict[str, Worker]:
    """The step now, that of earlier commits, the plain one, and that in bf16 if the device has instructions for it."""
    arguments = name, str(path), given.device
    found = clcap_workers(stored_step, *arguments, before=given.before)
    found["as plain PyTorch"] = Worker(plain_step, *arguments)
    if bf16_obstacle(torch.device(given.device)) is None:
        found[IN_BF16] = Worker(step_in_bf16, *arguments)
    return found


def measure(name: str, what: str, batches: Sequence[Batch], path: Path, given: argparse.Namespace) -> None:
    """Print the rows of one model on one kind of captions."""
    now = standard_step(name, batches, given.device)
    log_probs, gradients = largest_differences(now, standard_step(name, batches, given.device, plain_log_probs))
    assert max(log_probs, gradients) < EQUAL, (log_probs, gradients)
    times = run_in_turn(workers(name, path, given), given.runs)
    in_bf16 = times.pop(IN_BF16, None)
    assert isinstance(now.model, Captioner)
    flops = statistics.median(step_flops(now.model, batch) for batch in batches)
    words, distinct = (sum(getattr(batch, words) for batch in batches) for words in ("words", "distinct_words"))
    print(f"{name}, {what}: {compared(times)}; {share_of_peak(flops, times['now'], given.device, torch.float32)}")
    if in_bf16:
        share = share_of_peak(flops, in_bf16, given.device, torch.bfloat16)
        print(f"  in bf16: {compared({IN_BF16: in_bf16, 'as in fp32': times['now']})}; {share}")
    check = gradient_check_seconds(now.model, given.device) / statistics.median(times["now"])
    print(
        f"  {distinct / words:.1%} of the words computed; ln p and gradients differ by {log_probs:.0e} and "
        f"{gradients:.0e} of the largest; gradient check {check:.2%}",
        flush=True,
    )
    if given.memory:
        print(memory_row(name, path), flush=True)


def memory_row(name: str, path: Path) -> str:
    """Peak memory of clcap's step and of the plain one, on the CPU."""
    own, plain = (peak_memory(make, name, str(path), "cpu") for make in (stored_step, plain_step))
    return f"  memory: {own:.0f} MiB against {plain:.0f} MiB"


def main() -> None:
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--k", type=int, nargs="+", default=[0, 5], help="mismatched captions for each; 0 for MLE")
    parser.add_argument("--captions", nargs="+", choices=["real", "random"], default=["real", "random"])
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="checkouts of earlier commits")
    parser.add_argument("--memory", action="store_true", help="measure peak memory too")
    parser.add_argument("--batch-size", type=int, default=IMAGES, help="images in a batch")
    given = parser.parse_args()
    real = RealCaptions.of_coco() if "real" in given.captions else None
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.captions:
            for k in given.k:
                sizes = k, given.batch_size, given.device
                batches = real_batches(real, *sizes) if real and kind == "real" else random_batches(*sizes)
                save_batches(batches, path := Path(folder, f"{kind}_{k}.pt"))
                for name in given.models:
                    what = f"{f'CL, K = {k}' if k else 'MLE'}, {kind} captions"
                    measure(name, what, batches, path, given)


if __name__ == "__main__":
    main()
