"""Training a part of the weights: which ones change, are saved, and cost memory."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.models.registry import MODELS
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training.fine_tuning import freeze, frozen_weights, share_weights
from clcap_cli.training.settings import FineTuning, Optimisation
from clcap_cli.training.state import TrainState
from tests.models.factories import build_tiny_model
from tests.training.running import train_until
from tests.training.tasks import mle_task
from tests.training.test_state import ORIGIN, equal_weights

SETTINGS = Optimisation(epochs=3, lr=1e-2, clip=0.1, precision="fp32")
OUTPUT = FineTuning(train_layers=["output.*"])


def new_state(folder: Path) -> TrainState:
    """A training of the output layer, with dropout."""
    task = mle_task(folder, dropout=0.5)
    freeze(task.model, OUTPUT)
    return TrainState(task, SETTINGS)


@pytest.mark.parametrize("name", [name for name in MODELS.builtin if "/" not in name])
def test_patterns_choose_the_weights_of_every_model(name: str) -> None:
    model = build_tiny_model(name, 12, 6)
    chosen = next(iter(model.state_dict()))
    freeze(model, FineTuning(train_layers=[chosen]))
    assert [one for one, weight in model.named_parameters() if weight.requires_grad] == [chosen]


def test_a_pattern_without_weights_lists_their_groups(shared_chain: Path) -> None:
    model = open_checkpoint(shared_chain / "nt.pt").captioner(torch.device("cpu"))
    with pytest.raises(ClcapError) as error:
        freeze(model, FineTuning(train_layers=["output.*", "network.*"]))
    assert str(error.value) == (
        "--train-layers 'network.*': no weight has a matching name; the weights are image.*, words.*, lstm.*, output.*"
    )


def test_the_number_of_trained_parameters_is_printed(shared_chain: Path, capsys: pytest.CaptureFixture) -> None:
    model = open_checkpoint(shared_chain / "nt.pt").captioner(torch.device("cpu"))
    freeze(model, OUTPUT)
    total = sum(weight.numel() for weight in model.parameters())
    trained = model.output.weight.numel() + model.output.bias.numel()
    assert f"{trained:,} of {total:,} parameters are trained" in capsys.readouterr().err


def test_the_state_has_only_what_is_trained_and_resumes_bit_for_bit(shared_chain: Path, tmp_path: Path) -> None:
    whole, stopped = new_state(shared_chain), new_state(shared_chain)
    torch.manual_seed(7)
    train_until(whole, 9)
    torch.manual_seed(7)
    train_until(stopped, 5)
    stopped.save(tmp_path / "state.pt", ORIGIN, "clcap")
    resumed = new_state(shared_chain)
    torch.manual_seed(99)
    resumed.load(tmp_path / "state.pt")
    train_until(resumed, 9)
    assert equal_weights(resumed.task.model.state_dict(), whole.task.model.state_dict())
    tensors = torch.load(tmp_path / "state.pt", weights_only=True)["tensors"]
    assert {name.rpartition("/")[2] for name in tensors if name.startswith(("network", "best"))} == {
        "output.weight",
        "output.bias",
    }


def test_frozen_weights_get_no_gradient_and_no_moments(shared_chain: Path) -> None:
    state = new_state(shared_chain)
    train_until(state, 2)
    assert {name for name, weight in state.task.model.named_parameters() if weight.grad is not None} == {
        "output.weight",
        "output.bias",
    }
    assert sum(len(group["params"]) for group in state.optimizer.param_groups) == 2


def test_a_reference_shares_the_targets_frozen_weights(shared_chain: Path) -> None:
    """All but the trained ones are in memory once, with equal values."""
    start = open_checkpoint(shared_chain / "tf.pt")
    target, reference = (start.captioner(torch.device("cpu")) for _ in range(2))
    freeze(target, OUTPUT)
    share_weights(frozen_weights(target), reference.requires_grad_(False))
    trained = {"output.weight", "output.bias"}
    own = {name for name, weight in reference.named_parameters() if weight.data_ptr() != place_of(target)[name]}
    assert own == trained
    assert equal_weights(dict(reference.state_dict()), start.weights)


def place_of(model: torch.nn.Module) -> dict[str, int]:
    return {name: weight.data_ptr() for name, weight in model.named_parameters()}


def test_weights_that_differ_are_not_shared(shared_chain: Path) -> None:
    target, reference = (
        open_checkpoint(shared_chain / name).captioner(torch.device("cpu")) for name in ("nt_cl.pt", "nt.pt")
    )
    freeze(target, OUTPUT)
    share_weights(frozen_weights(target), reference.requires_grad_(False))
    assert equal_weights(dict(reference.state_dict()), open_checkpoint(shared_chain / "nt.pt").weights)


@pytest.mark.parametrize("options", [{"lora": 4}, {"train_layers": ["output.*"]}])
def test_training_a_part_needs_a_checkpoint_with_the_rest(shared_chain: Path, options: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match=r"it needs --init-from"):
        train_mle(shared_chain / "captions.h5", shared_chain / "features.h5", **options)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (["--lora", 4], "is a neuraltalk2, which takes no LoRA adapters; choose the weights that are trained with"),
        (["--gradient-checkpointing"], "--gradient-checkpointing is only for captioners of Hugging Face; a smaller"),
    ],
)
def test_own_models_take_no_adapters(
    shared_chain: Path, tmp_path: Path, error_of: Callable[..., str], option: list[object], problem: str
) -> None:
    shutil.copytree(shared_chain, tmp_path / "chain")
    command = ["train-cl", "--ref", tmp_path / "chain/nt.pt", "--out", tmp_path / "out.pt"]
    assert problem in error_of(*command, *option)
    assert not (tmp_path / "out.pt").exists()
