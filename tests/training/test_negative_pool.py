from pathlib import Path

import numpy as np
import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.training.negative_pool import NegativePool
from clcap_cli.training.negatives import NegativeSampler
from tests.training.test_negatives import split_of


def two_captions_each(folder: Path, images: int) -> NegativeSampler:
    return NegativeSampler(split_of(folder, [[f"word{row}", f"other{row}"] for row in range(images)]))


def with_similar(sampler: NegativeSampler, share: float) -> NegativeSampler:
    """A sampler for which the next two images are similar to each image."""
    nearest = (np.arange(len(sampler.split))[:, None] + [1, 2]) % len(sampler.split)
    return NegativeSampler(sampler.split, nearest, share)


def test_a_pool_never_repeats_a_caption(tmp_path: Path) -> None:
    sampler = two_captions_each(tmp_path, 12)
    for size in (1, 7, 22):
        pool = NegativePool(sampler, size, np.random.default_rng(size))
        assert all(len(set(column)) == size for column in pool.captions.T)
        assert (sampler.split.image_of_caption[pool.captions] != np.arange(12)).all()


def test_a_pool_never_has_a_text_of_its_image(tmp_path: Path) -> None:
    texts = [["a dog", "a cat"], ["a dog", "a bird"], ["a fish"], ["a horse", "a cow", "a fish"]]
    sampler, flat = NegativeSampler(split_of(tmp_path, texts)), [text for group in texts for text in group]
    pools = np.concatenate([NegativePool(sampler, 4, np.random.default_rng(seed)).captions for seed in range(30)])
    for image, own in enumerate(texts):
        assert {flat[drawn] for drawn in pools[:, image]} == set(flat) - set(own)


def test_each_caption_is_in_equally_many_pools(tmp_path: Path) -> None:
    sampler = two_captions_each(tmp_path, 6)
    pools = [NegativePool(sampler, 4, np.random.default_rng(seed)).captions for seed in range(500)]
    for image in range(6):
        counts = np.bincount(np.concatenate(pools)[:, image], minlength=12)
        assert counts[counts > 0] == pytest.approx(np.full(10, 500 * 4 / 10), rel=0.25)


def test_each_caption_of_a_pool_is_drawn_equally_often(tmp_path: Path) -> None:
    pool = NegativePool(two_captions_each(tmp_path, 12), 5, np.random.default_rng(0))
    rng, positions = np.random.default_rng(1), np.array([7, 0, 3])
    rows = np.stack([pool.mismatched([positions], 2, rng)[0].pool_rows for _ in range(1500)])  # (draws, 2, captions)
    assert (rows[:, 0] != rows[:, 1]).all()
    shares = [(rows == row).mean(axis=(0, 1)) for row in range(5)]
    assert np.array(shares) == pytest.approx(0.2, abs=0.04)


def test_negatives_come_from_the_pool_of_their_image(tmp_path: Path) -> None:
    sampler = two_captions_each(tmp_path, 12)
    pool = NegativePool(sampler, 4, np.random.default_rng(0))
    order = [np.array([7, 0, 3]), np.array([5])]
    for batch in pool.mismatched(order, 4, np.random.default_rng(1)):
        image = batch.positions[sampler.split.captions_of_images(batch.positions)[1]]
        assert np.array_equal(np.sort(batch.negatives, axis=0), np.sort(pool.captions[:, image], axis=0))


def test_a_pool_larger_than_the_captions_is_refused(tmp_path: Path) -> None:
    texts = [["a dog", "a cat"], ["a dog", "a bird"], ["a fish"]]
    with pytest.raises(ClcapError) as error:
        NegativePool(NegativeSampler(split_of(tmp_path, texts)), 3, np.random.default_rng(0))
    assert str(error.value) == (
        "--reference-pool 3 is more than the 2 captions of split 'train' that differ from those of image 0; give at "
        "most 2, or leave it out"
    )


def test_pools_of_similar_images_are_used_up_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sampler = with_similar(two_captions_each(tmp_path, 40), 1.0)
    for size, num_similar in ((3, 3), (4, 4), (6, 4)):
        pool = NegativePool(sampler, size, np.random.default_rng(0))
        similar = (sampler.split.image_of_caption[pool.captions][..., None] == sampler.nearest).any(axis=-1)
        assert (similar.sum(axis=0) >= num_similar).all()
        assert all(len(set(column)) == size for column in pool.captions.T)
        pool.report()
        completed = "the similar images of 40 of 40 images have too few captions" in capsys.readouterr().err
        assert completed == (size > 4)


def test_mixed_pools_are_half_of_similar_images(tmp_path: Path) -> None:
    sampler = with_similar(two_captions_each(tmp_path, 200), 0.5)
    pool = NegativePool(sampler, 2, np.random.default_rng(0))
    similar = (sampler.split.image_of_caption[pool.captions][..., None] == sampler.nearest).any(axis=-1)
    assert similar.mean() == pytest.approx(0.5, abs=0.08)
