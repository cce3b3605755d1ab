"""The attention that models report is the attention that they predict with."""

import pytest
import torch
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.models.attending import AttendingCaptioner, AttentionWeights, check_attends
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

ATTENDING = ("adaptive-attention", "transformer")
CAPTIONS = torch.tensor([[3, 4, 5], [6, 2, 0], [7, 0, 0], [0, 0, 0], [2, 2, 9]])
LENGTHS, IMAGES = torch.tensor([3, 2, 1, 0, 3]), torch.tensor([1, 0, 2, 1, 0])


def model_and_features(name: str) -> tuple[AttendingCaptioner, ImageFeatures]:
    torch.manual_seed(0)
    model = build_tiny_model(name, 11, 6)
    assert isinstance(model, AttendingCaptioner)
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    return model, ImageFeatures(torch.randn(3, 7), torch.randn(3, 4, 5).masked_fill(~mask.unsqueeze(2), 0), mask)


def weights_of(model: AttendingCaptioner, features: ImageFeatures, rows: Tensor) -> AttentionWeights:
    with torch.inference_mode():
        return model.attention_weights(model.encode(features), CAPTIONS[rows], LENGTHS[rows], IMAGES[rows])


@pytest.mark.parametrize("name", ATTENDING)
def test_weights_of_every_token_sum_to_one(name: str) -> None:
    model, features = model_and_features(name)
    found = weights_of(model, features, torch.arange(5))
    total = found.regions.sum(2) + (0 if found.sentinel is None else found.sentinel)
    in_caption = torch.arange(3) < LENGTHS.unsqueeze(1)
    assert torch.allclose(total, in_caption.float(), atol=1e-6)
    assert (found.sentinel is not None) == (name == "adaptive-attention")
    assert torch.equal(found.mask, features.mask[IMAGES])
    assert not found.regions[~found.mask.unsqueeze(1).expand_as(found.regions)].any()


@pytest.mark.parametrize("name", ATTENDING)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (2, 3), (4, 1)])
def test_weights_do_not_depend_on_the_batch(name: str, sizes: tuple[int, ...]) -> None:
    model, features = model_and_features(name)
    whole = weights_of(model, features, torch.arange(5))
    parts = [weights_of(model, features, rows) for rows in torch.arange(5).split(sizes)]
    assert torch.allclose(torch.cat([part.regions for part in parts]), whole.regions, atol=1e-6)
    if whole.sentinel is not None:
        sentinels = [part.sentinel for part in parts if part.sentinel is not None]
        assert torch.allclose(torch.cat(sentinels), whole.sentinel, atol=1e-6)


@torch.inference_mode()
def test_adaptive_attention_decodes_with_these_weights(monkeypatch) -> None:
    model, features = model_and_features("adaptive-attention")
    reported = weights_of(model, features, torch.arange(5))
    used = []
    original = model._attention_weights
    monkeypatch.setattr(model, "_attention_weights", lambda *given: used.append(original(*given)) or used[-1])
    encoded = model.encode(features)
    for caption, length, image in zip(CAPTIONS, LENGTHS, IMAGES, strict=True):
        own = image.view(1)
        state = model.initial_state(encoded)[own]
        for word in [model.config.start_token, *caption[:length].tolist()][:-1]:
            _, state = model.advance(encoded, own, state, torch.tensor([word]))
    assert reported.sentinel is not None
    in_caption = torch.arange(3) < LENGTHS.unsqueeze(1)
    assert torch.allclose(torch.cat([regions for regions, _ in used]), reported.regions[in_caption], atol=1e-6)
    assert torch.allclose(torch.cat([one[0] for _, one in used]), reported.sentinel[in_caption], atol=1e-6)


@torch.inference_mode()
def test_the_transformer_reports_the_mean_over_heads() -> None:
    model, features = model_and_features("transformer")
    encoded = model.encode(features)
    queries = []
    last = model.get_submodule("layers.1")
    last.get_submodule("image_query").register_forward_hook(lambda module, given, output: queries.append(output))
    model.sequence_log_prob(encoded, CAPTIONS[:1], LENGTHS[:1], IMAGES[:1])
    query = queries[0].unflatten(1, (2, -1))[:3]  # (T, H, D)
    scores = torch.einsum("thd,hrd->thr", query, encoded.keys[1, -1]) / query.shape[2] ** 0.5
    expected = scores.masked_fill(~features.mask[1], -torch.inf).softmax(2).mean(1)
    assert torch.allclose(weights_of(model, features, torch.arange(1)).regions[0], expected, atol=1e-6)


def test_models_without_attention_are_refused() -> None:
    with pytest.raises(ClcapError, match="neuraltalk2 has no attention; --attention needs"):
        check_attends(build_tiny_model("neuraltalk2", 11, 6), "neuraltalk2")
    pooled = build_tiny_model("transformer", 11, 6, image_tokens="pooled")
    with pytest.raises(ClcapError, match="this transformer sees an image as one vector"):
        check_attends(pooled, "transformer")
