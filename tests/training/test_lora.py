"""LoRA: adapters are trained, the reference is the same network without them, and files hold the adapters only."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import Lineage, open_checkpoint, write_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.models.adapters import is_of_adapter
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import build_model
from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.registry import OBJECTIVES
from clcap_cli.stages.swap_reference import swap_reference
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_cl_inputs import TrainingFiles, TrainingPaths, open_files
from clcap_cli.tokenizers.hugging_face import CaptionFormat, HuggingFaceTokenizer
from clcap_cli.training.fine_tuning import initial_model
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.pair_task import PairTask
from clcap_cli.training.picture_settings import PictureSettings
from clcap_cli.training.reference import ModelWithFeatures, SplitReference
from clcap_cli.training.settings import FineTuning, Optimisation
from clcap_cli.training.state import TrainState
from clcap_cli.training.task_inputs import TaskInputs
from tests.hugging_face.tiny_models import FAMILIES, save_tiny
from tests.models.hugging_face.whole_model import open_whole
from tests.training.running import train_until
from tests.training.tasks import SIX_IMAGES
from tests.training.test_state import ORIGIN, equal_weights

CPU, RANK = torch.device("cpu"), 2
LORA = FineTuning(lora=RANK)
STEPS: dict[str, Any] = {"k": 2, "max_steps": 1, "lr": 1e-2, "batch_size": 12, "device": "cpu"}


def write_captioner(family: str, folder: Path, model_folder: Path) -> Path:
    """Write a checkpoint of a text part of Hugging Face for the features of the chain in ``folder``."""
    captions, features = open_captions(folder / "captions.h5"), open_features(folder / "features.h5")
    save_tiny(family, model_folder, captions.tokenizer.words, vision_hidden_size=features.backbone.grid_channels)
    text_part = open_whole(family, model_folder).text_part
    config = text_part.config
    format = CaptionFormat(start=config.start_token, end=config.end_token, size=config.vocabulary_size)
    tokenizer = HuggingFaceTokenizer((model_folder / "tokenizer.json").read_text(), "tokenizer.json", format)
    architecture = json.loads((model_folder / "config.json").read_text())
    channels = features.backbone.pooled_channels
    changes: dict[str, Any] = {"max_length": 20, "pooled_channels": channels, "architecture": architecture}
    captioner = build_model(family, replace(config, **changes))
    captioner.load_state_dict(text_part.state_dict())
    origin = Origin("train-mle", {})
    origin.add_input("captions", captions)
    origin.add_input("features", features)
    out = folder / f"{family}.pt"
    write_checkpoint(out, family, captioner, tokenizer, features.backbone, {}, Lineage(), origin)
    return out


@pytest.fixture(scope="module")
def captioners(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared chain with a checkpoint of each family, and one that was trained on with adapters, FAMILY_cl.pt."""
    folder = Path(shutil.copytree(shared_chain, tmp_path_factory.mktemp("lora") / "chain"))
    for family in FAMILIES:
        start = write_captioner(family, folder, tmp_path_factory.mktemp(family))
        train_cl(start, lora=RANK, **STEPS)
    return folder


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder(captioners: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(captioners, tmp_path / "chain"))


def opened(ref: Path, target: Path | None = None) -> TrainingFiles:
    paths = TrainingPaths(ref, target, None, None, None)
    return open_files(paths, PictureSettings(), 0, True, Origin("train-cl", {}))


def models_of(files: TrainingFiles, dropout: float = 0.0) -> tuple[Captioner, Captioner]:
    """Target and reference as train-cl makes them."""
    torch.manual_seed(0)
    target = files.target_model(dropout, LORA, CPU).model
    reference = files.reference_model(target, CPU)
    assert reference
    return target, reference.model


@torch.no_grad()
def log_probs(model: Captioner, files: TrainingFiles) -> Tensor:
    """ln p of the captions of the first images of the validation split."""
    split = files.split("val", CPU)
    batch = split.batch(*split.captions_of_images(np.arange(4)))
    features = ModelWithFeatures(model, files.features)
    source = SplitReference(split, features, None).feature_source
    return features.log_probs(source.read(np.arange(4)), batch)


def places(model: Captioner) -> set[int]:
    return {weight.data_ptr() for weight in model.parameters()}


@torch.no_grad()
def test_new_adapters_change_nothing(captioners: Path, family: str) -> None:
    """Target, reference and base compute the same digits before training."""
    files = opened(captioners / f"{family}.pt")
    base = log_probs(files.start.captioner(CPU), files)
    assert all(torch.equal(log_probs(model, files), base) for model in models_of(files))


@torch.no_grad()
def test_the_reference_takes_no_memory_and_stays_as_it_is(captioners: Path, family: str) -> None:
    """All of its weights are frozen weights of the target; training the target does not change what it computes."""
    files = opened(captioners / f"{family}.pt")
    target, reference = models_of(files, dropout=0.5)
    assert places(reference) < places(target)
    assert not any(weight.requires_grad for weight in reference.parameters())
    before = log_probs(reference, files)
    for name, weight in target.train().named_parameters():
        assert weight.requires_grad == is_of_adapter(name)
        if weight.requires_grad:
            weight.normal_()
    assert torch.equal(log_probs(reference, files), before)
    assert not torch.allclose(log_probs(target.eval(), files), before)


def test_the_second_round_has_the_first_rounds_model_as_its_reference(folder: Path, family: str) -> None:
    """It has adapters of its own, which stay as they are; all other weights are in memory once."""
    out = swap_reference(folder / f"{family}.pt", folder / f"{family}_cl.pt", force=True, device="cpu")
    files = opened(out)
    target, reference = models_of(files)
    first = log_probs(open_checkpoint(folder / f"{family}_cl.pt").captioner(CPU), files)
    assert torch.equal(log_probs(reference, files), first)
    assert torch.equal(log_probs(target, files), first)
    own = {name for name, weight in reference.named_parameters() if weight.data_ptr() not in places(target)}
    assert own == {name for name, _ in reference.named_parameters() if is_of_adapter(name)}
    second = open_checkpoint(train_cl(out, lora=RANK, **STEPS))
    assert second.base
    assert second.base.path.name == f"{family}.pt"
    assert second.lineage.round == 1


@torch.no_grad()
def test_merged_adapters_compute_the_same(captioners: Path, family: str) -> None:
    files = opened(captioners / f"{family}.pt", captioners / f"{family}_cl.pt")
    merged = initial_model(files.start, FineTuning()).captioner(CPU)
    assert not any(map(is_of_adapter, merged.state_dict()))
    adapted = log_probs(files.start.captioner(CPU), files)
    assert torch.allclose(log_probs(merged, files), adapted, atol=1e-4)
    assert not torch.allclose(log_probs(files.reference.captioner(CPU), files), adapted, atol=1e-4)


def test_the_file_holds_the_adapters_only(captioners: Path, family: str) -> None:
    names = torch.load(captioners / f"{family}_cl.pt", weights_only=True)["weights"]
    assert names
    assert all(map(is_of_adapter, names))
    assert not any(name.startswith(start) for name in names for start in ("output", "embed"))
    recorded = read_provenance(captioners / f"{family}_cl.pt").input("base")
    assert recorded
    assert recorded.path == f"{family}.pt"


def cached(path: Path) -> dict[str, np.ndarray]:
    with open_hdf5(path) as (content, _):
        return {name: np.array(content.memory_map(dataset)) for name, dataset in content["arrays"].items()}


def test_the_cache_is_that_of_a_run_without_adapters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_adapters = cached(folder / "git.reference.h5")
    (folder / "git.reference.h5").unlink()
    train_cl(folder / "git.pt", out=folder / "whole.pt", **STEPS)
    without = cached(folder / "git.reference.h5")
    assert with_adapters.keys() == without.keys()
    assert all(np.array_equal(values, without[name]) for name, values in with_adapters.items())

    def compute(*_: object) -> None:
        raise AssertionError("the cache is there")

    monkeypatch.setattr(SplitReference, "_compute", compute)
    train_cl(folder / "git.pt", lora=RANK, out=folder / "again.pt", **STEPS)


@pytest.mark.usefixtures("small_discriminator")
@pytest.mark.parametrize("objective", OBJECTIVES.builtin)
def test_every_objective_trains_adapters(captioners: Path, tmp_path: Path, objective: str) -> None:
    options = {name: value for name, value in STEPS.items() if name != "k" or objective != "positives-only"}
    out = train_cl(captioners / "blip.pt", objective=objective, lora=RANK, out=tmp_path / "out.pt", **options)
    assert all(map(is_of_adapter, torch.load(out, weights_only=True)["weights"]))


def test_checkpointed_gradients_train_the_same_model(captioners: Path, tmp_path: Path) -> None:
    plain = open_checkpoint(captioners / "git_cl.pt")
    options = {"lora": RANK, "gradient_checkpointing": True, "out": tmp_path / "out.pt"}
    assert equal_weights(open_checkpoint(train_cl(captioners / "git.pt", **options, **STEPS)).weights, plain.weights)


def new_state(folder: Path) -> TrainState:
    """A contrastive training of adapters, with dropout."""
    files = opened(folder / "git.pt")
    target = files.target_model(0.5, LORA, CPU)
    sampler, val = NegativeSampler(files.split("train", CPU)), files.split("val", CPU)
    inputs = TaskInputs(sampler, val, target, 2, SIX_IMAGES, 0, reference=files.reference_model(target.model, CPU))
    settings = Optimisation(epochs=2, select_by="mean-rank", lr=1e-2, clip=0.1, precision="fp32")
    return TrainState(PairTask(Contrastive(), inputs), settings)


def test_a_resumed_training_equals_an_uninterrupted_one(captioners: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    whole, stopped = new_state(captioners), new_state(captioners)
    stopped.task.model.load_state_dict(whole.task.model.state_dict())
    torch.manual_seed(7)
    train_until(whole, 6)
    torch.manual_seed(7)
    train_until(stopped, 3)
    stopped.save(tmp_path / "state.pt", ORIGIN, "clcap")
    torch.manual_seed(99)
    resumed = new_state(captioners)
    resumed.load(tmp_path / "state.pt")
    train_until(resumed, 6)
    assert equal_weights(resumed.task.model.state_dict(), whole.task.model.state_dict())
    assert (tmp_path / "state.pt").stat().st_size < (captioners / "git.pt").stat().st_size


@pytest.mark.parametrize("options", [{"lora": RANK + 1}, {"train_layers": ["network.*"]}])
def test_adapters_are_trained_on_with_their_rank(captioners: Path, options: dict[str, Sequence[str] | int]) -> None:
    with pytest.raises(ClcapError, match=r"git_cl\.pt has LoRA adapters of rank 2; train them on with --lora 2$"):
        train_cl(captioners / "git_cl.pt", out=captioners / "x.pt", **options, **STEPS)


def test_all_weights_are_trained_from_merged_adapters(folder: Path) -> None:
    out = open_checkpoint(train_cl(folder / "git_cl.pt", **STEPS))
    assert out.base is None
    assert not any(map(is_of_adapter, out.weights))
