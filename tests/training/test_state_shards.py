"""The state of a divided model is in shards, which are read whole or not at all."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file

from clcap_cli.artifacts import state_shards, torch_files
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.divided_model import divide
from clcap_cli.digests import digest_of_file
from clcap_cli.errors import ClcapError
from clcap_cli.stages.show_models import train_state_facts
from clcap_cli.training import divided_tensors
from clcap_cli.training.divided_tensors import ShardReader
from clcap_cli.training.earlier_run import advice_on_damage
from clcap_cli.training.saved_state import open_saved_state
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.state import TrainState
from tests.conftest import CommandResult
from tests.training.running import train_until
from tests.training.tasks import mle_task

ORIGIN = Origin("train-mle", {"seed": 0})
SETTINGS = Optimisation(epochs=2, select_by="loss", lr=1e-2, precision="fp32")
SHARD = "nt.state.shards-1/shard-00001-model-00001-of-00001.safetensors"


@pytest.fixture(scope="module", autouse=True)
def process_group() -> Iterator[None]:
    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    yield
    dist.destroy_process_group()


def new_state(folder: Path, is_divided: bool = True) -> TrainState:
    task = mle_task(folder)
    if is_divided:
        divide(task.model, [])
    return TrainState(task, SETTINGS)


def weights(state: TrainState) -> dict[str, torch.Tensor]:
    whole = {name: one.full_tensor() if hasattr(one, "full_tensor") else one for name, one in tensors(state).items()}
    return {name: one.clone() for name, one in whole.items()}


def tensors(state: TrainState) -> dict[str, torch.Tensor]:
    return {**state.task.model.state_dict(), **{f"best {name}": one for name, one in state.best_weights.items()}}


@pytest.fixture(scope="module")
def trained(shared_chain: Path) -> TrainState:
    state = new_state(shared_chain)
    train_until(state, 2)
    state.keep_if_best({"loss": 1.0})
    return state


@pytest.fixture(scope="module")
def original(trained: TrainState, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    trained.save(folder / "nt.state.pt", ORIGIN, "clcap train-mle")
    return folder


@pytest.fixture
def saved(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "saved")
    return tmp_path / "saved" / "nt.state.pt"


@pytest.fixture(scope="module")
def fresh(shared_chain: Path) -> TrainState:
    return new_state(shared_chain)


@pytest.fixture
def refusal_of(fresh: TrainState) -> Callable[[Path], str]:
    """The error for a state that is not loaded; nothing must change."""

    def load(path: Path) -> str:
        before = copy.deepcopy(weights(fresh))
        with pytest.raises(ClcapError) as error:
            fresh.load(path)
        assert fresh.progress.step == 0 and fresh.best_weights == {}
        assert all(torch.equal(one, before[name]) for name, one in weights(fresh).items())
        return str(error.value).removeprefix(f"{path} is damaged: ").removesuffix("; create it again")

    return load


@pytest.mark.parametrize("is_divided", [True, False])
def test_training_continues_divided_or_whole(
    shared_chain: Path, trained: TrainState, saved: Path, is_divided: bool
) -> None:
    whole, continued = new_state(shared_chain), new_state(shared_chain, is_divided)
    continued.load(saved)
    assert all(torch.equal(one, weights(continued)[name]) for name, one in weights(trained).items())
    train_until(whole, 3)
    train_until(continued, 3)
    for name, one in weights(whole).items():
        torch.testing.assert_close(weights(continued)[name], one, atol=1e-5, rtol=0)


def test_a_state_in_one_file_continues_divided(shared_chain: Path, tmp_path: Path) -> None:
    state, divided = new_state(shared_chain, is_divided=False), new_state(shared_chain)
    train_until(state, 2)
    state.save(tmp_path / "nt.state.pt", ORIGIN, "clcap")
    assert [path.name for path in tmp_path.iterdir()] == ["nt.state.pt"]
    divided.load(tmp_path / "nt.state.pt")
    assert all(torch.equal(one, weights(divided)[name]) for name, one in weights(state).items())


def test_shards_are_replaced_with_their_state(trained: TrainState, saved: Path) -> None:
    left = saved.with_name("nt.state.shards-7")
    left.mkdir()
    (left / "shard-00001-model-00001-of-00001.safetensors").write_bytes(b"")
    trained.save(saved, ORIGIN, "clcap train-mle")
    assert sorted(path.name for path in saved.parent.iterdir()) == ["nt.state.pt", "nt.state.shards-8"]


def test_large_tensors_are_in_several_files(
    trained: TrainState, saved: Path, fresh: TrainState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(divided_tensors, "FILE_BYTES", 20_000)
    trained.save(saved, ORIGIN, "clcap train-mle")
    shards = open_saved_state(saved).shards
    assert shards is not None and len(shards.files) > 3
    reader = ShardReader(shards, saved)
    assert reader.tensors["best/output.weight"].shape == trained.best_weights["output.weight"].shape


def change_files(saved: Path, files: dict[str, str]) -> None:
    """Change what a state says of its shards, and its id, which no longer protects it then."""
    content = torch.load(saved, weights_only=True)
    content["shards"]["files"] = files
    plain = {name: value for name, value in content.items() if name not in ("provenance", "tensors")}
    content["provenance"]["id"] = torch_files.content_id(plain, content["tensors"])
    torch.save(content, saved)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def link_elsewhere(path: Path) -> None:
    path.rename(path.parents[1] / "elsewhere")
    path.symlink_to(path.parents[1] / "elsewhere")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (truncate, f"its shard {SHARD} is not what was saved"),
        (flip_a_bit, f"its shard {SHARD} is not what was saved"),
        (lambda path: shutil.copy(path, path.with_name("x.safetensors")), "nt.state.shards-1/x.safetensors is none of"),
    ],
)
def test_damaged_shards_are_refused(
    saved: Path, refusal_of: Callable[[Path], str], change: Callable[[Path], object], problem: str
) -> None:
    change(saved.parent / SHARD)
    assert refusal_of(saved).startswith(problem)


@pytest.mark.parametrize(
    ("change", "lost", "problem"),
    [
        (lambda shard: shard.unlink(), SHARD, "is missing"),
        (link_elsewhere, SHARD, "is a link, which is not followed"),
        (lambda shard: shutil.rmtree(shard.parent), "the folder nt.state.shards-1", "is missing"),
        (
            lambda shard: link_elsewhere(shard.parent),
            "the folder nt.state.shards-1",
            "is a link, which is not followed",
        ),
    ],
)
def test_shards_that_are_elsewhere_are_asked_for(
    saved: Path, change: Callable[[Path], object], lost: str, problem: str
) -> None:
    change(saved.parent / SHARD)
    with pytest.raises(ClcapError) as error, advice_on_damage():
        open_saved_state(saved)
    assert str(error.value) == (
        f"{saved} needs {lost} beside it, which {problem}; put it there, or delete nt.state.pt to start the run from "
        "the beginning"
    )


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".", "x.safetensors"])
def test_names_outside_the_folder_are_refused(saved: Path, refusal_of: Callable[[Path], str], name: str) -> None:
    change_files(saved, {name: "0" * 16})
    assert refusal_of(saved) == f"its shard '{name}' has a name that clcap does not give"


def nothing(found: dict[str, torch.Tensor], places: dict[str, dict[str, list[int]]]) -> None:
    found.clear()


def a_type(found: dict[str, torch.Tensor], places: dict[str, dict[str, list[int]]]) -> None:
    found["best/output.bias"] = found["best/output.bias"].double()


def a_row(found: dict[str, torch.Tensor], places: dict[str, dict[str, list[int]]]) -> None:
    found["best/output.bias"] = found["best/output.bias"][1:].clone()
    places["best/output.bias"]["saved_offsets"] = [1]


def a_value(found: dict[str, torch.Tensor], places: dict[str, dict[str, list[int]]]) -> None:
    found["best/output.bias"][0] = torch.nan


def no_places(found: dict[str, torch.Tensor], places: dict[str, dict[str, list[int]]]) -> None:
    places.clear()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (nothing, "its tensor 'network captioner/"),
        (a_type, "its tensor 'best/output.bias' is float64 "),
        (a_row, "its shards lack a part of the tensor 'best/output.bias'"),
        (a_value, "its tensors are not finite numbers"),
        (no_places, "its shards in nt.state.shards-1 cannot be read"),
    ],
)
def test_shards_with_other_tensors_are_refused(
    saved: Path, refusal_of: Callable[[Path], str], change: Callable[..., None], problem: str
) -> None:
    """Also if somebody has changed the digests with them."""
    path = saved.parent / SHARD
    with safe_open(path, "pt") as file:
        found, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    places = json.loads(metadata["DCP_SHARDING_INFO"])
    change(found, places)
    save_file(found, path, {**metadata, "DCP_SHARDING_INFO": json.dumps(places)})
    change_files(saved, {path.name: digest_of_file(path)})
    assert refusal_of(saved).startswith(problem)


@pytest.mark.parametrize("failing", ["shards", "state"])
def test_a_failed_save_keeps_the_earlier_state(
    trained: TrainState, saved: Path, fresh: TrainState, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = {path: path.read_bytes() for path in saved.parent.rglob("*") if path.is_file()}
    owner, name = (divided_tensors, "digest_of_file") if failing == "shards" else (torch, "save")
    monkeypatch.setattr(owner, name, full)
    with pytest.raises(ClcapError, match=r"nt\.state\.pt cannot be written: No space left on device$"):
        trained.save(saved, ORIGIN, "clcap train-mle")
    assert {path: path.read_bytes() for path in saved.parent.rglob("*") if path.is_file()} == before
    assert state_shards.numbers_of(saved) == [1]


def test_show_says_how_many_shards_there_are(saved: Path) -> None:
    size = (saved.parent / SHARD).stat().st_size / 2**20
    assert train_state_facts(saved)["shards"] == f"1, {size:,.1f} MiB, in nt.state.shards-1"


def test_cache_lists_and_removes_shards_with_their_state(clcap: Callable[..., CommandResult], saved: Path) -> None:
    sizes = sum(path.stat().st_size for path in saved.parent.rglob("*") if path.is_file())
    assert f" {sizes:,}  bytes in all, 1 file\n" in clcap("cache", saved.parent).out
    clcap("cache", saved.parent, "--clear-unfinished")
    assert not list(saved.parent.iterdir())


def test_cache_removes_shards_without_a_state(clcap: Callable[..., CommandResult], saved: Path) -> None:
    saved.unlink()
    assert f"shard of a state  {saved.parent / SHARD}  (nt.state.pt, which is gone)" in clcap("cache", saved.parent).out
    clcap("cache", saved.parent, "--clear")
    assert not list(saved.parent.iterdir())
