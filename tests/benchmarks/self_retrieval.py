"""Self-retrieval of 1,000 captions that a trained model wrote, standard size: the search against dense scoring.

Dense scoring is batched ``sequence_log_prob`` of every caption under every image; it is timed on some of the images and
taken times the rest. All ranks are checked against the table of every ln p, and that against dense scoring.
"""

import numpy as np
import torch
from torch import Tensor

from clcap_cli.decoding.captioning import decode
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.contrastive import contrast
from clcap_cli.objectives.mle import nats_per_word
from clcap_cli.retrieval.ranks import TOLERANCE, Ranks, rank
from clcap_cli.retrieval.search import find_ranks, score_matrix
from tests.benchmarks.measure import CHANNELS, REGIONS, options, seconds, standard_model

POOL, DENSE_IMAGES, EACH, K = 1000, 10, 5, 5
MLE_STEPS, CL_STEPS, IMAGES = 300, 60, 10
ROUNDING = 2e-5
"""Two ways to compute the same ln p differ by less."""
KINDS = (60, 40, 30, 30)
"""Subjects, deeds, colours and places, the first of each the most common."""
GRAMMAR = (
    "a {c} {s} is {d} in {p}",
    "{s} {d} at the {p}",
    "the {c} {s} that is {d}",
    "a {s} is {d} on a {p} with a {s}",
)


class MadeUp:
    """Images that show something, with captions that say some of it."""

    def __init__(self, count: int, seed: int):
        draw = np.random.default_rng(seed)
        self.scene = np.stack([np.minimum(draw.zipf(1.4, count) - 1, kinds - 1) for kinds in KINDS], axis=1)
        fixed = np.random.default_rng(0)
        looks = [fixed.normal(size=(kinds, CHANNELS)) for kinds in KINDS]
        self.pooled = sum(look[self.scene[:, i]] for i, look in enumerate(looks)) + draw.normal(size=(count, CHANNELS))
        self.device = torch.device("cpu")
        self.draw = draw

    def __len__(self) -> int:
        return len(self.scene)

    def blocks(self, size: int = 256) -> list[np.ndarray]:
        return np.split(np.arange(len(self)), range(size, len(self), size))

    def read(self, positions: np.ndarray) -> ImageFeatures:
        pooled = torch.from_numpy(self.pooled[positions].astype(np.float32))
        return ImageFeatures(pooled, pooled.unsqueeze(1).expand(-1, REGIONS, -1))

    def caption(self, image: int) -> list[int]:
        """A random sentence about an image, as words' numbers."""
        subject, deed, colour, place = self.scene[image]
        pattern = GRAMMAR[self.draw.integers(len(GRAMMAR))].split()
        first = {"{s}": 30 + subject, "{d}": 100 + deed, "{c}": 150 + colour, "{p}": 200 + place}
        return [int(first[word]) if word in first else 2 + sum(map(ord, word)) % 28 for word in pattern]


def batch(data: MadeUp, positions: np.ndarray, about: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Captions of the images ``about`` put with those at ``positions``."""
    said = [data.caption(image) for image in np.repeat(about, EACH)]
    lengths = torch.tensor([len(words) for words in said])
    tokens = torch.zeros(len(said), int(lengths.max()), dtype=torch.int64)
    for row, words in enumerate(said):
        tokens[row, : len(words)] = torch.tensor(words)
    return tokens, lengths, torch.arange(len(positions)).repeat_interleave(EACH)


def learn(model: Captioner, reference: Captioner | None, data: MadeUp, steps: int) -> None:
    """Some steps of MLE, or of CL against ``reference``."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 if reference is None else 1e-4)
    for _ in range(steps):
        positions = data.draw.integers(len(data), size=IMAGES)
        features = data.read(positions)

        def log_probs(some: Captioner, sets: list, features: ImageFeatures = features) -> Tensor:
            visual = some.encode(features)
            return torch.stack([some.sequence_log_prob(visual, *part) for part in sets])

        sets = [batch(data, positions, positions)]
        if reference is None:
            loss = nats_per_word(log_probs(model, sets)[0], sets[0][1])
        else:
            sets += [batch(data, positions, data.draw.integers(len(data), size=IMAGES)) for _ in range(K)]
            with torch.no_grad():
                before = log_probs(reference, sets)
            loss = contrast(log_probs(model, sets), before, 1.0).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def dense(model: Captioner, data: MadeUp, captions: Tensor, lengths: Tensor, images: int) -> Tensor:
    """Every caption under the first ``images`` images, an image at a time: (C, images)."""
    visual = model.encode(data.read(np.arange(images)))
    columns = [
        model.sequence_log_prob(visual, captions, lengths, torch.full_like(lengths, image)) for image in range(images)
    ]
    return torch.stack(columns, dim=1)


def within_rounding(ranks: Ranks, table: Tensor) -> bool:
    """Whether all ranks are those of ``table``, up to images that rounding moves across the border of a tie."""
    above = table - table.diagonal().unsqueeze(1)
    for border, count in ((TOLERANCE, ranks.better), (-TOLERANCE, ranks.better + ranks.tied)):
        least, most = ((above > border + shift).sum(1) for shift in (ROUNDING, -ROUNDING))
        if not ((least <= count) & (count <= most)).all():
            return False
    return True


def report(what: str, model: Captioner, pool: MadeUp) -> float:
    """Time one search, check it, print; returns its seconds."""
    found = decode(model, pool, beam=3)
    captions, lengths = found.captions, found.lengths
    outcome = []
    ours = seconds(lambda: outcome.append(find_ranks(model, pool, captions, lengths)), "cpu")
    ranks, work = outcome[0].ranks, outcome[0].work
    table = score_matrix(model, pool, captions, lengths)
    few: list[Tensor] = []
    slow = seconds(lambda: few.append(dense(model, pool, captions, lengths, DENSE_IMAGES)), "cpu")
    slow *= len(pool) / DENSE_IMAGES
    expected = rank(table, torch.arange(len(pool)))
    assert torch.allclose(few[0], table[:, :DENSE_IMAGES], atol=1e-4)
    equal = int(((ranks.better == expected.better) & (ranks.tied == expected.tied)).sum())
    assert within_rounding(ranks, table)
    words = int((lengths + 1).sum()) * len(pool)
    print(
        f"{what}, N = {len(pool)}: {ours:.1f} s against {slow:.0f} s, {slow / ours:.0f} x; "
        f"{equal} ranks equal, the others within rounding; {len(captions.unique(dim=0))} different captions, "
        f"{work.shared / words:.1%} x {work.followed / work.shared:.1%} of the words, "
        f"{work.whole / work.followed:.1%} of these whole",
        flush=True,
    )
    return ours


def main() -> None:
    given = options(__doc__)
    for name in given.models:
        data = MadeUp(2000, 1)
        model, reference = standard_model(name, "cpu"), standard_model(name, "cpu").eval()
        learn(model, None, data, MLE_STEPS)
        model.eval()
        report(f"{name} after MLE", model, MadeUp(POOL, 2))
        reference.load_state_dict(model.state_dict())
        learn(model, reference, data, CL_STEPS)
        times = {count: report(f"{name} after CL", model, MadeUp(count, 2)) for count in (POOL // 2, POOL, 2 * POOL)}
        growth = np.log(times[2 * POOL] / times[POOL // 2]) / np.log(4)
        print(f"{name}: growth from N = {POOL // 2} to {2 * POOL}: N^{growth:.2f}")


if __name__ == "__main__":
    main()
