import copy
import json
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.inputs import captions_for, features_for
from clcap_cli.training.contrastive_task import ContrastiveTask, ModelOnFeatures
from clcap_cli.training.data import BatchSettings
from clcap_cli.training.loop import TrainSettings, train

CPU = torch.device("cpu")


def task_of(folder: Path, target: str = "nt.pt", reference: str = "nt.pt", dropout: float = 0.0) -> ContrastiveTask:
    start, ref = open_checkpoint(folder / target), open_checkpoint(folder / reference)
    start = replace(start, config=replace(start.config, dropout=dropout))
    captions = captions_for(ref, None)
    features = features_for(ref, captions, None)
    players = ModelOnFeatures(start.captioner(CPU), features), ModelOnFeatures(ref.captioner(CPU), features)
    return ContrastiveTask(captions, *players, k=3, nu=1.0, settings=BatchSettings(6, None), seed=0)


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
def test_equal_models_without_dropout_start_at_two_ln_two(made_chain: Path, model: str) -> None:
    figures = task_of(made_chain, model, model).starting_figures()
    assert figures["loss"] == pytest.approx(2 * log(2), abs=1e-5)
    assert figures["G_positive"] == pytest.approx(0, abs=1e-5)
    assert figures["G_negative"] == pytest.approx(0, abs=1e-5)


def test_dropout_in_the_target_alone_is_a_handicap(made_chain: Path) -> None:
    torch.manual_seed(0)
    figures = task_of(made_chain, dropout=0.5).starting_figures()
    assert figures["loss"] != pytest.approx(2 * log(2), abs=1e-3)


def test_a_target_of_another_kind_than_the_reference(made_chain: Path) -> None:
    task = task_of(made_chain, target="nt.pt", reference="aa.pt")
    loss, _ = task.loss(task.load(task.batches(1)[0]))
    assert torch.isfinite(loss)


def test_training_moves_the_target_and_never_the_reference(made_chain: Path, tmp_path: Path) -> None:
    task = task_of(made_chain)
    reference = task.train_split.reference
    before = copy.deepcopy(reference.state_dict())
    train(task, TrainSettings(2, 1e-2, "constant", 0.1, 5, "fp32"), tmp_path / "log.jsonl")
    assert not reference.training
    assert all(torch.equal(before[name], value) for name, value in reference.state_dict().items())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[0]["val_G_positive"] == 0
    assert lines[1]["val_G_positive"] != 0


def test_negatives_are_drawn_anew_every_epoch(made_chain: Path) -> None:
    task = task_of(made_chain)
    first, second = ({tuple(b.positions): b.negatives for b in task.batches(epoch)} for epoch in (1, 2))
    assert any(not np.array_equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))
    again = task.batches(1)
    assert all(np.array_equal(a, b.negatives) for a, b in zip(first.values(), again, strict=True))


def test_validation_uses_the_same_negatives_every_time(made_chain: Path) -> None:
    task = task_of(made_chain, target="nt_cl.pt")
    task.model.eval()
    assert task.validate() == task.validate()
