from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval import bounded_softmax, search, tree_walk
from clcap_cli.retrieval.ranks import rank
from clcap_cli.retrieval.search import find_ranks, score_matrix

SHAPES = [(1, 1, 2), (7, 3, 4), (4096, 512, 20)]
"""Rows per chunk, images per chunk and divisor of the shortlist."""


@pytest.fixture(params=["nt.pt", "aa.pt", "tf.pt", "nt_cl.pt"])
def opened(shared_chain: Path, request) -> tuple[Captioner, StoredFeatures]:
    model = open_checkpoint(shared_chain / request.param).captioner(torch.device("cpu"))
    features = open_features(shared_chain / "features.h5")
    return model, StoredFeatures(features, features.ids[:12], model)


def set_chunk_sizes(monkeypatch, rows: int, images: int, divisor: int) -> None:
    monkeypatch.setattr(tree_walk, "CHUNK_ROWS", rows)
    monkeypatch.setattr(tree_walk, "CHUNK_IMAGES", images)
    monkeypatch.setattr(bounded_softmax, "SHORTLIST_DIVISOR", divisor)


def dense_scores(model: Captioner, reader: StoredFeatures, captions, lengths) -> torch.Tensor:
    """ln p of every caption with every image, one image at a time."""
    encoded = model.encode(reader.read(reader.blocks(99)[0]))
    columns = [
        model.sequence_log_prob(encoded, captions, lengths, torch.full((len(captions),), image))
        for image in range(len(reader))
    ]
    return torch.stack(columns, dim=1).detach()


def random_captions(model: Captioner, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Captions with common prefixes, some of them equal and one empty."""
    draw = torch.Generator().manual_seed(seed)
    captions = torch.randint(2, 5, (count, 4), generator=draw)
    lengths = torch.randint(0, 5, (count,), generator=draw)
    captions[1], lengths[1], lengths[2] = captions[0], lengths[0], 0
    return captions, lengths


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_match_the_plain_computation(opened, shape: tuple[int, int, int], monkeypatch) -> None:
    set_chunk_sizes(monkeypatch, *shape)
    model, reader = opened
    captions, lengths = random_captions(model, 9, 0)
    expected = dense_scores(model, reader, captions, lengths)
    assert torch.allclose(score_matrix(model, reader, captions, lengths), expected, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_ranks_match_the_plain_computation(opened, shape: tuple, seed: int, monkeypatch) -> None:
    set_chunk_sizes(monkeypatch, *shape)
    model, reader = opened
    captions, lengths = random_captions(model, len(reader), seed)
    scores = dense_scores(model, reader, captions, lengths)
    expected = rank(scores, torch.arange(len(reader)))
    ranks = find_ranks(model, reader, captions, lengths)
    assert torch.equal(ranks.ranks.better, expected.better)
    assert torch.equal(ranks.ranks.tied, expected.tied)
    assert torch.allclose(ranks.log_prob, scores.diagonal(), atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("pool_size", "count"), [(None, 12), (3, 12), (8, 12), (None, 7), (8, 7)])
def test_ranks_and_best_images_of_pools(opened, shape: tuple, pool_size: int | None, count: int, monkeypatch) -> None:
    """With fewer captions than images, the last images are distractors."""
    set_chunk_sizes(monkeypatch, *shape)
    monkeypatch.setattr(search, "FIRST_BLOCK", 2)
    model, reader = opened
    captions, lengths = random_captions(model, count, 5)
    pools = None if pool_size is None else random_pools(len(reader), pool_size)[:count]
    scores = dense_scores(model, reader, captions, lengths)
    if pools is not None:
        scores = torch.full_like(scores, -torch.inf).scatter(1, pools, scores.gather(1, pools))
    found = find_ranks(model, reader, captions, lengths, pools=pools, num_best=5)
    expected = rank(scores, torch.arange(count))
    assert torch.equal(found.ranks.better, expected.better) and torch.equal(found.ranks.tied, expected.tied)
    known = min(5, pool_size or 5)
    assert torch.allclose(found.best.log_prob[:, :known], scores.topk(known).values, atol=1e-4)
    assert torch.allclose(scores.gather(1, found.best.image[:, :known]), scores.topk(known).values, atol=1e-4)
    assert (found.best.image[:, known:] == -1).all() and (found.best.log_prob[:, known:] == -torch.inf).all()


def random_pools(images: int, size: int) -> torch.Tensor:
    """Random images for each image, itself first: (images, size)."""
    draw = torch.Generator().manual_seed(images)
    order = torch.rand(images, images, generator=draw).fill_diagonal_(-1).argsort(dim=1)
    return order[:, :size]


def test_ranks_of_generated_captions_and_savings(opened) -> None:
    model, reader = opened
    decoded = decode([model], [reader], DecodingSettings(beam=3), ())
    outcome = find_ranks(model, reader, decoded.captions, decoded.lengths)
    expected = rank(dense_scores(model, reader, decoded.captions, decoded.lengths), torch.arange(len(reader)))
    assert torch.equal(outcome.ranks.better, expected.better)
    assert torch.equal(outcome.ranks.tied, expected.tied)
    dense = int((decoded.lengths + 1).sum()) * len(reader)
    assert outcome.work.full_softmax <= outcome.work.expanded <= outcome.work.distinct <= dense
