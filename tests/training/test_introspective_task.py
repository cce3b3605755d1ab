import json
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.training.settings import Optimisation
from tests.training.running import train
from tests.training.tasks import introspective_task


def test_other_images_have_no_caption_of_the_image(shared_chain: Path) -> None:
    task = introspective_task(shared_chain)
    split = task.captions

    def texts(position: int) -> set[bytes]:
        numbers, _ = split.captions_of_images(np.array([position]))
        return {split.tokens[row].tobytes() for row in split.caption_rows[numbers]}

    for batch in task.batches(1):
        for column, position in enumerate(batch.positions):
            for other in batch.other_images[:, column]:
                assert not texts(position) & texts(other)


def test_other_images_are_fixed_unless_redrawn(shared_chain: Path) -> None:
    def others(redraw: bool, epoch: int) -> np.ndarray:
        batches = introspective_task(shared_chain, redraw=redraw).batches(epoch)
        order = np.argsort(np.concatenate([batch.positions for batch in batches]))
        return np.concatenate([batch.other_images for batch in batches], axis=1)[:, order]

    assert np.array_equal(others(False, 1), others(False, 2))
    assert not np.array_equal(others(True, 1), others(True, 2))


def test_the_loss_equals_that_of_pairs_scored_singly(shared_chain: Path) -> None:
    """The loss equals that of the same pairs scored one by one."""
    task = introspective_task(shared_chain)
    batch = task.batches(1)[0]
    terms = []
    for column, position in enumerate(batch.positions):
        numbers, _ = task.captions.captions_of_images(np.array([position]))
        scores = []
        for image in (position, *batch.other_images[:, column]):
            captions = task.captions.batch(numbers, np.zeros(len(numbers), dtype=np.int64))
            encoded = task.model.encode(task.features.read(np.array([image])))
            scores.append(
                task.model.sequence_log_prob(encoded, captions.captions, captions.lengths, captions.image_index)
            )
        terms.append(torch.log(torch.sigmoid(scores[0] - torch.stack(scores[1:]))))
    loss, _ = task.loss(task.load(batch))
    assert loss.item() == pytest.approx(-torch.cat(terms, dim=1).mean().item(), abs=1e-4)


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
def test_training_raises_log_probs_for_own_images(shared_chain: Path, tmp_path: Path, model: str) -> None:
    task = introspective_task(shared_chain, model)
    train(
        task,
        Optimisation(epochs=3, lr=1e-2, schedule="constant", clip=0.1, patience=5, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[1]["loss"]
    assert lines[-1]["log_prob_margin"] > lines[1]["log_prob_margin"]
    assert lines[-1]["loss"] < log(2)
