"""Weights files of fine-tuned backbones load, whatever classifier and wrapping they have; others are refused."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.features.weights_file import load_weights

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def trained() -> State:
    """Weights of a network that was trained for another purpose than the test's networks."""
    torch.manual_seed(7)
    return timm.create_model("test_resnet", pretrained=False).state_dict()


def load(path: Path, content: object) -> State:
    torch.save(content, path)
    network = timm.create_model("test_resnet", pretrained=False)
    load_weights(network, "test_resnet", path)
    return network.state_dict()


def prefixed(state: State, prefix: str) -> State:
    return {prefix + key: value for key, value in state.items()}


def without_head(state: State) -> State:
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


def same_body(one: State, other: State) -> bool:
    return all(torch.equal(one[key], other[key]) for key in without_head(other))


def test_a_file_of_the_same_network_is_loaded_whole(tmp_path: Path, trained: State) -> None:
    loaded = load(tmp_path / "w.pth", trained)
    assert same_body(loaded, trained)
    assert torch.equal(loaded["fc.weight"], trained["fc.weight"])


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"fc.weight": torch.ones(3, 96), "fc.bias": torch.ones(3)},
        {"fc.1.weight": torch.ones(3, 96), "fc.1.bias": torch.ones(3)},
        {"classifier.weight": torch.ones(3, 96)},
        {"fc.weight": torch.ones(3, 96)},
    ],
)
def test_another_classifier_or_none_is_left_out(tmp_path: Path, trained: State, head: State) -> None:
    loaded = [load(tmp_path / "w.pth", without_head(trained) | head) for _ in range(2)]
    assert same_body(loaded[0], trained)
    assert not loaded[0]["fc.weight"].any()
    assert all(torch.equal(loaded[0][key], loaded[1][key]) for key in loaded[0])


WRAPPINGS: dict[str, Callable[[State], object]] = {
    "DataParallel": lambda state: prefixed(state, "module."),
    "compiled": lambda state: prefixed(state, "module._orig_mod."),
    "a part of a model": lambda state: prefixed(state, "model.backbone.") | {"model.neck.weight": torch.ones(2)},
    "in a sequence": lambda state: prefixed(without_head(state), "0.") | {"1.weight": torch.ones(2, 96)},
    "state_dict": lambda state: {"epoch": 3, "state_dict": prefixed(state, "module."), "best": 0.5},
    "model with options": lambda state: {"model": state, "args": argparse.Namespace(lr=0.1)},
    "averaged": lambda state: {"model": prefixed(state, "broken."), "model_ema": state},
    "nested": lambda state: {"model": {"state_dict": state}},
    "without step counters": lambda state: {k: v for k, v in state.items() if "num_batches" not in k},
    "half precision": lambda state: {key: value.half().float() for key, value in state.items()},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_wrapped_state_dicts_are_loaded(tmp_path: Path, trained: State, wrapping: str) -> None:
    loaded = load(tmp_path / "w.pth", WRAPPINGS[wrapping](trained))
    atol = 1e-2 if wrapping == "half precision" else 0
    assert all(torch.allclose(loaded[key], trained[key], atol=atol) for key in without_head(trained))


def test_safetensors_are_loaded(tmp_path: Path, trained: State) -> None:
    save_file(trained, tmp_path / "w.safetensors")
    network = timm.create_model("test_resnet", pretrained=False)
    load_weights(network, "test_resnet", tmp_path / "w.safetensors")
    assert same_body(network.state_dict(), trained)


def test_a_network_with_two_classifiers_is_loaded(tmp_path: Path) -> None:
    name = "deit_tiny_distilled_patch16_224"
    state = timm.create_model(name, pretrained=False).state_dict()
    torch.save({key: value for key, value in state.items() if not key.startswith("head")}, tmp_path / "w.pth")
    network = timm.create_model(name, pretrained=False)
    load_weights(network, name, tmp_path / "w.pth")
    assert torch.equal(network.state_dict()["cls_token"], state["cls_token"])
    assert not network.state_dict()["head_dist.weight"].any()


DIFFERENCES = {
    "1 weights are missing: conv1.0.weight": lambda state: {k: v for k, v in state.items() if k != "conv1.0.weight"},
    "1 weights are unknown: extra.weight": lambda state: state | {"extra.weight": torch.ones(1)},
    "1 weights are of another shape: conv1.0.weight is 3×2, expected 16×3×3×3": lambda state: (
        state | {"conv1.0.weight": torch.ones(3, 2)}
    ),
}


@pytest.mark.parametrize("message", DIFFERENCES)
def test_a_mismatch_elsewhere_is_named(tmp_path: Path, trained: State, message: str) -> None:
    with pytest.raises(ClcapError) as caught:
        load(tmp_path / "w.pth", DIFFERENCES[message](trained))
    assert str(caught.value) == f"{tmp_path}/w.pth does not contain weights for test_resnet: {message}"


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = timm.create_model("test_vit", pretrained=False).state_dict()
    with pytest.raises(ClcapError) as caught:
        load(tmp_path / "w.pth", other)
    assert str(caught.value).endswith(
        "weights are missing: conv1.0.weight, conv1.1.weight, conv1.1.bias, …; 78 weights are unknown: cls_token, "
        "pos_embed, patch_embed.proj.weight, …"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (argparse.ArgumentParser, "contains Python objects besides tensors"),
        ({"epoch": 3, "backbone": {"name": "x"}}, "contains no state dict: it has the keys epoch, backbone"),
        ([1, 2], "contains no state dict: it has a list"),
    ],
)
def test_files_without_weights_are_refused(tmp_path: Path, content: object, reason: str) -> None:
    with pytest.raises(ClcapError, match=reason):
        load(tmp_path / "w.pth", content)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"hello", b"PK\x03\x04 cut"])
def test_damaged_weights_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ClcapError, match=r"w\.\w+ is not a "):
        load_weights(timm.create_model("test_resnet", pretrained=False), "test_resnet", tmp_path / name)
