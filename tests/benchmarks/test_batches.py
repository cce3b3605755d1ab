"""What a training step has to compute for a batch, and the captions that benchmarks draw."""

import numpy as np
import torch

from clcap_cli.models.rows import ImageFeatures
from clcap_cli.tokenizers.words import WordTokenizer
from tests.benchmarks.batches import Batch
from tests.benchmarks.flops import step_flops
from tests.benchmarks.measure import standard_model
from tests.benchmarks.real_captions import RealCaptions, padded


def small_batch(captions: list[list[int]], image: list[int], sets: int) -> Batch:
    features = ImageFeatures(torch.zeros(2, 4), torch.zeros(2, 3, 4))
    return Batch(features, *padded(captions), torch.tensor(image), sets)


def test_equal_prefixes_of_an_image_are_counted_once() -> None:
    batch = small_batch([[2, 3, 4], [2, 3, 5], [], [2, 3, 4]], [0, 0, 0, 1], sets=1)
    assert batch.words == 4 + 4 + 1 + 4
    assert batch.distinct_words == 5 + 4  # start, 2, 2 3, 2 3 4 and 2 3 5; the other image's four
    assert batch.distinct_inputs == 5


def test_a_caption_twice_needs_no_more_products() -> None:
    model = standard_model("neuraltalk2", "cpu")
    once, twice = (small_batch(captions, [0] * len(captions), 1) for captions in ([[2, 3]], [[2, 3], [2, 3]]))
    longer = small_batch([[2, 3], [2, 4]], [0, 0], 1)
    assert step_flops(model, once) == step_flops(model, twice) < step_flops(model, longer)


def test_mismatched_captions_are_of_other_images() -> None:
    captions = RealCaptions([[name] * 5 for name in "abc"])
    captions.tokenizer = WordTokenizer(list("abc"))
    images = np.array([2, 0])
    own, other = captions.of_images(images), captions.of_other_images(images, np.random.default_rng(0))
    assert own == [[4]] * 5 + [[2]] * 5
    assert len(other) == 10
    assert all(one != two for one, two in zip(own, other, strict=True))
