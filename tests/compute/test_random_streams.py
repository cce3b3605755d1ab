"""Each purpose has its own stream of random numbers, independent of what other purposes draw."""

from pathlib import Path
from typing import get_args

import numpy as np
import torch

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.compute.random_streams import Purpose, random_generator, seed_torch, torch_seed
from clcap_cli.models.registry import build_model, configure
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.pair_task import PairTask
from clcap_cli.training.reference import ModelWithFeatures
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task_inputs import TaskInputs


def test_every_purpose_seed_and_epoch_has_its_own_stream() -> None:
    purposes = get_args(Purpose)
    numbers = [
        random_generator(seed, one, epoch).random() for one in purposes for seed in range(20) for epoch in range(20)
    ]
    assert len(set(numbers)) == len(numbers) == 400 * len(purposes)
    assert len({torch_seed(seed, one) for one in purposes for seed in range(50)}) == 50 * len(purposes)


def test_the_same_seed_draws_the_same_numbers() -> None:
    assert np.array_equal(
        random_generator(3, "order", 2).permutation(50), random_generator(3, "order", 2).permutation(50)
    )
    weights = []
    for _ in range(2):
        seed_torch(3, "initialisation")
        weights.append(torch.nn.Linear(5, 5).weight)
    assert torch.equal(*weights)


def test_streams_are_not_correlated() -> None:
    numbers = np.array([[random_generator(seed, one).random() for seed in range(2000)] for one in get_args(Purpose)])
    correlations = np.corrcoef(numbers)[np.triu_indices(len(numbers), 1)]
    assert np.abs(correlations).max() < 0.1


def test_every_objective_sees_images_in_the_same_order(shared_chain: Path) -> None:
    captions, features = open_captions(shared_chain / "captions.h5"), open_features(shared_chain / "features.h5")
    info = features.backbone
    facts = {"vocabulary_size": len(captions.tokenizer), "start_token": captions.tokenizer.start, "end_token": 0}
    facts |= {"max_length": 16, "pooled_channels": info.pooled_channels}
    config = configure("neuraltalk2", facts, {"embedding_size": 4, "hidden_size": 4})
    seen = ModelWithFeatures(build_model("neuraltalk2", config), features)
    train, val = (CaptionSplit(captions, name, torch.device("cpu")) for name in ("train", "val"))
    batch = BatchSettings(5, None)

    def contrastive(k: int) -> PairTask:
        return PairTask(Contrastive(), TaskInputs(NegativeSampler(train), val, seen, k, batch, 4, reference=seen))

    orders = [[one.positions.tolist() for one in contrastive(k).batches(2)] for k in (1, 5)]
    orders.append([positions.tolist() for positions in MleTask(seen.model, train, val, features, batch, 4).batches(2)])
    assert orders[0] == orders[1] == orders[2]
