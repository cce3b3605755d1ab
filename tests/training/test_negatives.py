from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.captions import Captions, open_captions, write_captions
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.words import WordTokenizer
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.negatives import NegativeSampler


def split_of(folder: Path, captions: list[list[str]]) -> CaptionSplit:
    images = [ImageRecord(row, f"{row}.png", "train", texts) for row, texts in enumerate(captions)]
    tokenizer = WordTokenizer.from_captions((text.split() for texts in captions for text in texts), 1)
    write_captions(folder / "captions.h5", images, tokenizer, 16, Origin("test", {}))
    opened: Captions = open_captions(folder / "captions.h5")
    return CaptionSplit(opened, "train", torch.device("cpu"))


def test_negatives_never_equal_a_caption_of_the_image(tmp_path: Path) -> None:
    texts = [["a dog", "a cat"], ["a dog", "a bird"], ["a fish"], ["a horse", "a cow", "a fish"]]
    split = split_of(tmp_path, texts)
    flat = [text for group in texts for text in group]
    numbers = np.arange(len(flat))
    negatives = NegativeSampler(split).draw(numbers, 50, np.random.default_rng(0))
    assert negatives.shape == (50, len(flat))
    for number in numbers:
        own = set(texts[split.image_of_caption[number]])
        seen = {flat[other] for other in negatives[:, number]}
        assert seen == set(flat) - own


def test_the_k_sets_differ_and_follow_the_seed(tmp_path: Path) -> None:
    split = split_of(tmp_path, [[f"word{row}"] for row in range(40)])
    sampler, numbers = NegativeSampler(split), np.arange(40)
    first = sampler.draw(numbers, 3, np.random.default_rng(1))
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(first, sampler.draw(numbers, 3, np.random.default_rng(1)))
    assert not np.array_equal(first, sampler.draw(numbers, 3, np.random.default_rng(2)))


def test_a_split_of_identical_captions_has_no_negatives(tmp_path: Path) -> None:
    split = split_of(tmp_path, [["a dog"], ["a dog"]])
    with pytest.raises(ClcapError, match="no mismatched captions can be drawn"):
        NegativeSampler(split).draw(np.arange(2), 1, np.random.default_rng(0))


def test_k_must_be_at_least_one(tmp_path: Path) -> None:
    split = split_of(tmp_path, [["a dog"], ["a cat"]])
    with pytest.raises(ClcapError, match="k is 0, but must be at least 1"):
        NegativeSampler(split).draw(np.arange(2), 0, np.random.default_rng(0))


def test_similar_negatives_are_captions_of_similar_images(tmp_path: Path) -> None:
    split = split_of(tmp_path, [[f"word{row}", f"other{row}"] for row in range(40)])
    nearest = (np.arange(40)[:, None] + [1, 2]) % 40
    numbers = np.arange(80)
    negatives = NegativeSampler(split, nearest, 1.0).draw(numbers, 30, np.random.default_rng(0))
    owners = split.image_of_caption[negatives]
    for number in numbers:
        assert set(owners[:, number]) == set(nearest[split.image_of_caption[number]])
        assert len(set(negatives[:, number])) == 4


def test_mixed_negatives_are_half_similar_half_random(tmp_path: Path) -> None:
    split = split_of(tmp_path, [[f"word{row}"] for row in range(100)])
    nearest = (np.arange(100)[:, None] + [1]) % 100
    negatives = NegativeSampler(split, nearest, 0.5).draw(np.arange(100), 50, np.random.default_rng(0))
    close = (split.image_of_caption[negatives] == nearest[:, 0]).mean()
    assert close == pytest.approx(0.5, abs=0.03)


def test_random_negatives_replace_equal_similar_captions(tmp_path: Path) -> None:
    split = split_of(tmp_path, [["a dog"], ["a dog"], ["a cat"]])
    nearest = np.array([[1], [0], [0]])
    sampler = NegativeSampler(split, nearest, 1.0)
    negatives = sampler.draw(np.arange(3), 4, np.random.default_rng(0))
    assert (negatives[:, :2] == 2).all()
    assert (negatives[:, 2] == 0).all()


def test_avoided_negatives_are_counted(tmp_path: Path) -> None:
    split = split_of(tmp_path, [["a dog"], ["a dog"], ["a cat"]])
    sampler = NegativeSampler(split, np.array([[1], [0], [0]]), 1.0)
    sampler.draw(np.array([2]), 10, np.random.default_rng(0))
    assert (sampler.num_drawn, sampler.num_redrawn) == (10, 0)
    sampler.draw(np.array([0]), 10, np.random.default_rng(0))
    assert sampler.num_drawn == 20
    assert sampler.num_redrawn >= 10


def test_other_images_are_drawn_without_shared_captions(tmp_path: Path) -> None:
    split = split_of(tmp_path, [["a dog", "a cat"], ["a bird", "a cat"], ["a fish"], ["a dog", "a fish"], ["a cow"]])
    others = NegativeSampler(split).draw_images(np.arange(5), 60, np.random.default_rng(0))
    assert [set(column) for column in others.T] == [{2, 4}, {2, 3, 4}, {0, 1, 4}, {1, 4}, {0, 1, 2, 3}]
