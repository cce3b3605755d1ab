"""PyTorch files that were made to exhaust memory or time are refused before either is spent."""

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.errors import ClcapError

VERSION3 = Path(__file__).parents[1] / "data" / "version3"


def opened_message(path: Path) -> str:
    """The message about ``path`` of a checkpoint that cannot be opened."""
    with pytest.raises(ClcapError) as error:
        open_checkpoint(path)
    return str(error.value).removeprefix(f"{path} ")


@pytest.fixture
def message_for(tmp_path: Path) -> Callable[..., str]:
    """The message for nt.pt with a changed content."""

    def message(change: Callable[[dict[str, Any]], None], name: str = "nt.pt") -> str:
        content = torch.load(VERSION3 / name, weights_only=True)
        change(content)
        torch.save(content, tmp_path / "x.pt")
        return opened_message(tmp_path / "x.pt")

    return message


@pytest.mark.parametrize(
    ("model", "config", "problem"),
    [
        ("nt.pt", {"hidden_size": 10**9}, "hidden_size: Input should be less than or equal to 16777216"),
        ("nt.pt", {"hidden_size": 10**400}, "hidden_size: Input should be less than or equal to 16777216"),
        ("nt.pt", {"hidden_size": True}, None),
        ("tf.pt", {"layers": 10**9}, "layers: Input should be less than or equal to 16777216"),
        (
            "tf.pt",
            {"layers": 2**24},
            "is damaged: its model has more than {} weights, but the file has {}; create it again",
        ),
        ("tf.pt", {"heads": 2**24}, None),
    ],
)
def test_sizes_of_a_model_beyond_its_file(message_for, model: str, config: dict[str, Any], problem: str | None) -> None:
    count = len(torch.load(VERSION3 / model, weights_only=True)["weights"])
    message = message_for(lambda content: content["config"].update(config), model)
    assert problem is None or problem.format(2 * count + 1000, count) in message


def quantised(value: Tensor) -> Tensor:
    return torch.quantize_per_tensor(value, 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: value.to_sparse(), "torch.Size"),
        (lambda value: value.to("meta"), "torch.float32"),
        (lambda value: torch.nn.Parameter(value), "torch._utils._rebuild_parameter"),
        (quantised, "torch.per_tensor_affine"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_of_other_kinds_are_refused_unread(message_for, make: Callable[[Tensor], Tensor], name: str) -> None:
    def change(content: dict[str, Any]) -> None:
        content["weights"]["output.bias"] = make(content["weights"]["output.bias"])

    assert message_for(change) == f"is damaged: it contains '{name}', which clcap never writes; create it again"


@pytest.mark.parametrize(
    "make",
    [
        lambda value: value[:1].expand(value.shape),
        lambda value: torch.cat([value, value])[::2],
        lambda value: value.clone().requires_grad_(),
    ],
)
def test_a_weight_that_is_a_view_is_refused(message_for, make: Callable[[Tensor], Tensor]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["weights"]["output.bias"] = make(content["weights"]["output.bias"])

    assert message_for(change).startswith(
        "is damaged: its weight 'output.bias' is not a plain tensor, expected float32 ("
    )


def test_a_tensor_that_claims_a_million_times_its_bytes(message_for) -> None:
    message = message_for(lambda content: content["training"].update(x=torch.zeros(1).expand(10**12)))
    assert message == ("is not a complete clcap/checkpoint file: at training.x: input was not a valid JSON value")


def lists_in_lists(levels: int, repeat: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value] * repeat
    return value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (lists_in_lists(45, 2), "its [0-9],[0-9]{3} bytes of description repeat the same values too often"),
        (lists_in_lists(200, 1), "its values are nested more than 50 levels deep"),
        ([0] * 1_100_000, "it describes more than 1,048,576 values"),
        (["x" * 2**20] * 200, "its 1,05[0-9],[0-9]{3} bytes of description repeat the same values too often"),
    ],
)
def test_a_small_pickle_that_describes_much(message_for, value: Any, problem: str) -> None:
    message = message_for(lambda content: content["training"].update(x=value))
    assert re.fullmatch(f"is damaged: {problem}; create it again", message)


def test_a_list_that_contains_itself(message_for) -> None:
    value: list[Any] = []
    value.append(value)
    message = message_for(lambda content: content["training"].update(x=value))
    assert message == "is damaged: its values are nested more than 50 levels deep; create it again"


def entries() -> dict[str, bytes]:
    with zipfile.ZipFile(VERSION3 / "nt.pt") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(path: Path, parts: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_pytorch_never_writes(tmp_path: Path) -> None:
    parts = entries()
    first = next(iter(parts))
    compressed = archived(tmp_path / "a.pt", [*parts.items()], zipfile.ZIP_DEFLATED)
    assert opened_message(compressed) in (
        "is damaged: its content would be larger than the file; create it again",
        f"is damaged: its part '{first}' is compressed, which PyTorch never does; create it again",
    )
    twice = archived(tmp_path / "b.pt", [*parts.items(), (first, b"x")])
    assert opened_message(twice) == f"is damaged: it has the part '{first.lower()}' 2 times; create it again"
    other = archived(tmp_path / "c.pt", [*parts.items(), ("x/data.pkl", b"x")])
    assert opened_message(other) == "is damaged: it has two descriptions of its content; create it again"
    code = archived(tmp_path / "e.pt", [*parts.items(), ("nt/code/x.py", b"x")])
    assert opened_message(code) == (
        "is damaged: its part 'nt/code/x.py' is for program code, which clcap never writes; create it again"
    )
    outside = archived(tmp_path / "d.pt", [*parts.items(), ("../../outside", b"x")])
    assert opened_message(outside) == "is not a readable checkpoint (damaged or truncated); create it again"
    assert not (tmp_path.parents[1] / "outside").exists()


def test_an_archive_with_a_negative_offset(tmp_path: Path) -> None:
    whole = bytearray((VERSION3 / "nt.pt").read_bytes())
    place = whole.index(b"PK\x01\x02") + 42
    whole[place : place + 4] = b"\xff\xff\xff\x7f"
    del whole[100:200]
    (tmp_path / "x.pt").write_bytes(whole)
    assert opened_message(tmp_path / "x.pt") == ("is not a readable checkpoint (damaged or truncated); create it again")


def test_integers_with_millions_of_digits(tmp_path: Path) -> None:
    parts = entries()
    name = next(name for name in parts if name.endswith("data.pkl"))
    content = pickle.dumps({"provenance": 1 << 8 * 2**20}, protocol=2)
    path = archived(tmp_path / "x.pt", [*{**parts, name: content}.items()])
    assert opened_message(path) == "is not a readable checkpoint (damaged or truncated); create it again"


def test_a_storage_smaller_than_its_tensor(tmp_path: Path) -> None:
    parts = entries()
    name = next(name for name in parts if "/data/" in name)
    path = archived(tmp_path / "x.pt", [*{**parts, name: b"\0\0\0\0"}.items()])
    assert opened_message(path) == "is not a readable checkpoint (damaged or truncated); create it again"


def test_the_state_of_torch_stays_as_it_was(message_for) -> None:
    message_for(lambda content: content["config"].update(layers=2**24), "tf.pt")
    torch.nn.Sequential(*(torch.nn.Linear(1, 1) for _ in range(100)))
    assert torch.load(io.BytesIO(saved(torch.zeros(1))), weights_only=True) == 0


def saved(value: Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()
