import copy
import json
from collections.abc import Callable
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.cache import LOG_PROBS_KIND, ArrayCache
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.dpo import DPO
from clcap_cli.objectives.negatives_only import NegativesOnly
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.positives_only import PositivesOnly
from clcap_cli.objectives.simpo import SimPO
from clcap_cli.training.settings import BatchSettings, Optimisation
from clcap_cli.training.task import Task
from tests.training.running import train
from tests.training.tasks import introspective_task, pair_task

OBJECTIVES = [Contrastive(), PositivesOnly(), NegativesOnly(), DPO()]
FEW = Optimisation(epochs=2, lr=1e-2, schedule="constant", clip=0.1, patience=5, precision="fp32")


def by_name(objective: PairObjective) -> str:
    return type(objective).__name__


@pytest.mark.parametrize("model", ["nt.pt", "aa.pt"])
def test_equal_models_without_dropout_start_at_two_ln_two(shared_chain: Path, model: str) -> None:
    metrics = pair_task(shared_chain, model, model).starting_metrics("fp32")
    assert metrics["loss"] == pytest.approx(2 * log(2), abs=1e-5)
    assert metrics["log_ratio_matched"] == pytest.approx(0, abs=1e-5)
    assert metrics["log_ratio_mismatched"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=by_name)
def test_equal_models_start_at_the_reported_loss(shared_chain: Path, objective: PairObjective) -> None:
    task = pair_task(shared_chain, objective=objective)
    assert task.starting_metrics("fp32")["loss"] == pytest.approx(task.loss_of_equal_models(), abs=1e-5)


def test_dropout_in_the_target_raises_the_loss(shared_chain: Path) -> None:
    torch.manual_seed(0)
    metrics = pair_task(shared_chain, dropout=0.5).starting_metrics("fp32")
    assert metrics["loss"] != pytest.approx(2 * log(2), abs=1e-3)


def test_target_and_reference_may_be_different_models(shared_chain: Path) -> None:
    task = pair_task(shared_chain, target="nt.pt", reference="aa.pt")
    loss, _ = task.loss(task.load(task.batches(1)[0]))
    assert torch.isfinite(loss)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=by_name)
def test_training_lowers_the_loss_and_freezes_the_reference(
    shared_chain: Path, tmp_path: Path, objective: PairObjective
) -> None:
    task = pair_task(shared_chain, objective=objective, redraw=False)
    reference = task.train_split.reference.model
    before = copy.deepcopy(reference.state_dict())
    train(
        task,
        Optimisation(epochs=5, lr=3e-3, schedule="constant", clip=0.1, patience=5, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    assert not reference.training
    assert all(torch.equal(before[name], value) for name, value in reference.state_dict().items())
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[0]["val_log_ratio_matched"] == 0
    assert lines[1]["val_log_ratio_matched"] != 0
    assert lines[-1]["loss"] < task.loss_of_equal_models()


def test_negatives_are_redrawn_every_epoch(shared_chain: Path) -> None:
    task = pair_task(shared_chain)
    first, second = ({tuple(b.positions): b.negatives for b in task.batches(epoch)} for epoch in (1, 2))
    assert any(not np.array_equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))
    again = task.batches(1)
    assert all(np.array_equal(a, b.negatives) for a, b in zip(first.values(), again, strict=True))


def test_fixed_negatives_are_the_same_in_every_epoch(shared_chain: Path) -> None:
    task = pair_task(shared_chain, redraw=False)
    seen = []
    for epoch in (1, 2):
        captions = [
            (task.train_split.captions.captions_of_images(b.positions)[0], b.negatives) for b in task.batches(epoch)
        ]
        numbers, negatives = (np.concatenate(parts, axis=-1) for parts in zip(*captions, strict=True))
        seen.append(negatives[:, np.argsort(numbers)])
    assert np.array_equal(*seen)


def test_positives_only_computes_no_mismatched_pairs(shared_chain: Path) -> None:
    task = pair_task(shared_chain, objective=PositivesOnly())
    batch = task.batches(1)[0]
    assert len(task.load(batch).pairs) == len(task.train_split.captions.captions_of_images(batch.positions)[0])


def test_validation_uses_the_same_negatives_every_time(shared_chain: Path) -> None:
    task = pair_task(shared_chain, target="nt_cl.pt")
    task.model.eval()
    with torch.inference_mode():
        assert task.validate() == task.validate()


@pytest.mark.parametrize("reference", ["nt.pt", "aa.pt"])
@pytest.mark.parametrize("redraw", [True, False])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=by_name)
def test_cached_log_probs_change_no_loss(
    shared_chain: Path, tmp_path: Path, objective: PairObjective, redraw: bool, reference: str
) -> None:
    """Compares the metrics of every epoch of a training."""
    logs = []
    for cached in (False, True):
        task = pair_task(shared_chain, "nt_cl.pt", reference, objective=objective, redraw=redraw)
        if cached:
            task.score_recurring(ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {})), "fp32")
        train(task, FEW, tmp_path / "log.jsonl")
        logs.append([json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()])
    for one, other in zip(*logs, strict=True):
        names = [name for name in one if name not in ("data_wait_share", "seconds")]
        assert [other[name] for name in names] == pytest.approx([one[name] for name in names], abs=1e-4)


def test_objectives_without_a_reference_train_the_target_alone(shared_chain: Path, tmp_path: Path) -> None:
    task = pair_task(shared_chain, objective=SimPO(), redraw=False)
    assert task.train_split.reference is None
    assert task.load(task.batches(1)[0]).reference_features is None
    train(task, FEW, tmp_path / "log.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[1]["loss"]
    assert lines[-1]["token_log_prob_margin"] > lines[1]["token_log_prob_margin"]
    assert {"val_loss", "val_pairwise_accuracy", "val_loss_lower_bound"} <= lines[0].keys()
    assert not {name for line in lines for name in line if "G_" in name}


def test_the_first_log_line_has_the_loss_of_equal_models(shared_chain: Path, capsys: pytest.CaptureFixture) -> None:
    pair_task(shared_chain).warm_up()
    equal = "(1.3863 if the target equals the reference, without dropout)"
    assert capsys.readouterr().err == f"training loss before the first step: 1.3863 {equal}\n"
    task = pair_task(shared_chain, objective=SimPO())
    task.warm_up()
    loss = task.starting_metrics("fp32")["loss"]
    assert capsys.readouterr().err == f"training loss before the first step: {loss:.4f}\n"


def test_fixed_pairs_are_scored_once_by_the_reference(shared_chain: Path, tmp_path: Path) -> None:
    task = pair_task(shared_chain, redraw=False)
    task.score_recurring(ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {})), "fp32")
    task.train_split.reference.model.register_forward_pre_hook(lambda *_: pytest.fail("the reference was computed"))
    loaded = task.load(task.batches(1)[0])
    assert loaded.reference_features is None
    assert torch.isfinite(task.loss(loaded)[0])


def test_the_initial_check_draws_only_its_own_batch(shared_chain: Path) -> None:
    task = pair_task(shared_chain)
    task.starting_metrics("fp32")
    first = task.train_split.captions.captions_of_images(task.batches(1)[0].positions)[0]
    everything = len(task.train_split.captions.caption_rows)
    assert task.negatives.num_drawn == task.k * (len(first) + everything)


def test_equal_models_start_at_two_ln_two_in_bf16_too(shared_chain: Path, tmp_path: Path) -> None:
    task = pair_task(shared_chain)
    task.score_recurring(ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {})), "bf16")
    assert task.starting_metrics("bf16")["log_ratio_matched"] == pytest.approx(0, abs=1e-4)


def test_the_cache_does_not_depend_on_the_batch_size(shared_chain: Path, tmp_path: Path) -> None:
    known = []
    for images in (4, 6):
        task = pair_task(shared_chain, redraw=False, settings=BatchSettings(images, None))
        task.score_recurring(ArrayCache(tmp_path / f"{images}.h5", LOG_PROBS_KIND, Origin("train-cl", {})), "fp32")
        known.append(task.train_split.reference.cached_log_probs.tobytes())
    assert known[0] == known[1]


def words_at_once(task: Task, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of words of each later computation of log-probabilities by models of the task's kind."""
    words, kind = [], type(task.model)
    compute = kind.sequence_log_prob

    def counted(self: object, encoded: object, captions: object, lengths: torch.Tensor, image: object) -> object:
        words.append(int((lengths + 1).sum()))
        return compute(self, encoded, captions, lengths, image)

    monkeypatch.setattr(kind, "sequence_log_prob", counted)
    return words


@pytest.mark.parametrize("make", [pair_task, introspective_task])
def test_validation_batches_are_no_larger_than_training_ones(
    shared_chain: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Task]
) -> None:
    task = make(shared_chain, settings=BatchSettings(20, 300))
    monkeypatch.setattr(task.sample, "metrics", lambda model: {})
    words = words_at_once(task, monkeypatch)
    with torch.inference_mode():
        task.validate()
    assert 0 < max(words) <= 300


@pytest.mark.parametrize("reference", ["nt.pt", "aa.pt", "tf.pt"])
def test_pool_scores_equal_scores_of_each_batch(shared_chain: Path, tmp_path: Path, reference: str) -> None:
    task = pair_task(shared_chain, "nt_cl.pt", reference, negative_pool_size=60, settings=BatchSettings(6, 150))
    task.model.eval()
    parts = [part for batch in task.batches(2) for part, _ in task.micro_batches(batch)]
    split = task.train_split
    with torch.inference_mode():
        direct = [split.log_probs(split.load(part)).reference for part in parts]
        for cache in (None, ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {}))):
            task.score_recurring(cache, "fp32")
            known = [split.log_probs(split.load(part)).reference for part in parts]
            for one, other in zip(known, direct, strict=True):
                torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_a_scored_pool_leaves_the_reference_idle(shared_chain: Path) -> None:
    task = pair_task(shared_chain, negative_pool_size=10)
    task.prepare()
    task.train_split.reference.model.register_forward_pre_hook(lambda *_: pytest.fail("the reference was computed"))
    loaded = [task.load(batch) for epoch in (1, 2) for batch in task.batches(epoch)]
    assert all(one.reference_features is None for one in loaded)
    assert torch.isfinite(task.loss(loaded[0])[0])


def test_a_pool_is_redrawn_from_every_epoch(shared_chain: Path) -> None:
    task = pair_task(shared_chain, negative_pool_size=5)
    first, again, second = ([batch.negatives for batch in task.batches(epoch)] for epoch in (1, 1, 2))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, second))


def test_the_cache_keeps_only_the_latest_pool(shared_chain: Path, tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path / "cache.h5", LOG_PROBS_KIND, Origin("train-cl", {}))
    pair_task(shared_chain).score_recurring(cache, "fp32")
    without_pool = set(cache.arrays)
    for size in (5, 4):
        pair_task(shared_chain, negative_pool_size=size).score_recurring(cache, "fp32")
        (pool,) = cache.arrays.keys() - without_pool
        assert cache.arrays[pool].shape == (size, 24)
        assert without_pool < cache.arrays.keys()


def test_the_reference_scores_at_most_max_tokens_at_once(shared_chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = pair_task(shared_chain, negative_pool_size=30, settings=BatchSettings(20, 100))
    words = words_at_once(task, monkeypatch)
    task.prepare()
    assert 50 < max(words) <= 100
