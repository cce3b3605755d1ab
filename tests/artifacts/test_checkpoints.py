"""Checkpoints that clcap did not write are refused before memory is allocated for them."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.errors import ClcapError

HUGE = 2**24


@pytest.fixture
def content(shared_chain: Path) -> dict[str, Any]:
    """Content of nt.pt: 39 words, END and UNK; embedding 24, hidden 32."""
    return torch.load(shared_chain / "nt.pt", weights_only=True)


def message_for(content: dict[str, Any], folder: Path) -> str:
    path = folder / "x.pt"
    torch.save(content, path)
    with pytest.raises(ClcapError) as error:
        open_checkpoint(path)
    return str(error.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    ("part", "name", "value", "problem"),
    [
        ("config", "hidden_size", 0, "at config.hidden_size: Input should be greater than or equal to 1"),
        ("config", "max_length", 2**40, "at config.max_length: Input should be less than or equal to 1000"),
        ("backbone", "image_size", 6000, "at backbone.image_size: Input should be less than or equal to 4096"),
        ("backbone", "crop_pct", 1e-9, "at backbone.crop_pct: Input should be greater than or equal to 0.01"),
        ("backbone", "regions", 10**12, "at backbone.regions: Input should be less than or equal to 16777216"),
        ("config", "dropout", float("nan"), "at config.dropout: Input should be less than 1"),
        ("backbone", "regions", -1, "at backbone.regions: Input should be greater than 0"),
        ("lineage", "round", -1, "at lineage.round: Input should be greater than or equal to 0"),
        ("lineage", "parents", [0], "at lineage.parents.0: Input should be a valid string"),
        ("training", "epochs", torch.zeros(1), "at training.epochs: input was not a valid JSON value"),
    ],
)
def test_invalid_fields_are_refused_with_their_place(
    content: dict[str, Any], tmp_path: Path, part: str, name: str, value: object, problem: str
) -> None:
    content[part][name] = value
    assert message_for(content, tmp_path) == f"is not a complete clcap/checkpoint file: {problem}"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("tokenizer", None, "at tokenizer: Input should be a valid dictionary"),
        ("training", [], "at training: Input should be a valid dictionary"),
        ("model", 3, "at model: Input should be a valid string"),
    ],
)
def test_sections_of_a_wrong_type_are_refused(
    content: dict[str, Any], tmp_path: Path, name: str, value: object, problem: str
) -> None:
    assert message_for({**content, name: value}, tmp_path) == f"is not a complete clcap/checkpoint file: {problem}"


def test_an_incomplete_training_record_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    del content["training"]["best_epoch"]
    assert message_for(content, tmp_path) == "is damaged: its training record is incomplete; create it again"


@pytest.mark.parametrize("record", [{}, {"kind": "words"}, {"kind": "words", "words": 5}, {"kind": ["words"]}])
def test_an_incomplete_tokenizer_record_is_refused(content: dict[str, Any], tmp_path: Path, record: dict) -> None:
    how = "is damaged: its tokenizer record is incomplete; create it again"
    assert message_for({**content, "tokenizer": record}, tmp_path) == how


def test_an_unknown_tokenizer_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    error = message_for({**content, "tokenizer": {"kind": "letters"}}, tmp_path)
    assert error == "unknown tokenizer 'letters'; expected one of: words, huggingface"


def test_a_duplicate_word_in_the_vocabulary_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["tokenizer"]["words"][3] = "a"
    assert message_for(content, tmp_path) == "is damaged: its vocabulary contains a twice; create it again"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"hidden_size": HUGE}, "its weight 'lstm.input.weight' is float32 (128, 24), expected float32 (67108864, 24)"),
        ({"vocabulary_size": HUGE}, "its model's vocabulary size is 16777216, expected 45"),
        ({"pooled_channels": HUGE}, "its model's pooled channels is 16777216, expected 1280"),
        ({"start_token": 44}, "its model's start token is 44, expected 45"),
        ({"end_token": 1}, "its model's end token is 1, expected 0"),
    ],
)
def test_sizes_that_contradict_the_rest_of_the_file(
    content: dict[str, Any], tmp_path: Path, config: dict[str, int], problem: str
) -> None:
    content["config"] |= config
    assert message_for(content, tmp_path) == f"is damaged: {problem}; create it again"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (torch.zeros(45, dtype=torch.float64), "'output.bias' is float64 (45), expected float32 (45)"),
        (torch.zeros(44), "'output.bias' is float32 (44), expected float32 (45)"),
        ([0.0] * 45, "'output.bias' is not a plain tensor, expected float32 (45)"),
        (None, "'output.bias' is missing, expected float32 (45)"),
    ],
)
def test_a_weight_of_wrong_type_or_shape_is_refused(
    content: dict[str, Any], tmp_path: Path, value: object, problem: str
) -> None:
    content["weights"]["output.bias"] = value
    assert message_for(content, tmp_path) == f"is damaged: its weight {problem}; create it again"


def test_an_unexpected_weight_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["weights"]["more"] = torch.zeros(1)
    assert message_for(content, tmp_path) == (
        "is damaged: its weight 'more' is float32 (1), expected missing; create it again"
    )


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(content: dict[str, Any], tmp_path: Path, number: float) -> None:
    content["weights"]["output.bias"][3] = number
    assert message_for(content, tmp_path) == (
        "is damaged: its weights are not finite numbers: output.bias; create it again"
    )


def test_weights_that_share_memory_are_not_expanded(content: dict[str, Any], tmp_path: Path) -> None:
    hidden = HUGE // 4
    content["config"]["hidden_size"] = hidden
    sizes = {"lstm.input.weight": (4 * hidden, 24), "lstm.recurrent.weight": (4 * hidden, hidden)}
    sizes |= {"lstm.input.bias": (4 * hidden,), "output.weight": (45, hidden)}
    content["weights"] |= {name: torch.zeros(1).expand(size) for name, size in sizes.items()}
    assert message_for(content, tmp_path) == (
        "is damaged: its weight 'lstm.input.weight' is not a plain tensor, expected float32 (16777216, 24); create it "
        "again"
    )


def test_a_zip_bomb_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as whole, zipfile.ZipFile(tmp_path / "x.pt", "w", 8) as small:
        for entry in whole.infolist():
            small.writestr(entry.filename, whole.read(entry))
        small.writestr("whole/data/bomb", bytes(2**24))
    with pytest.raises(ClcapError, match=r"x\.pt is damaged: its content would be larger than the file"):
        open_checkpoint(tmp_path / "x.pt")


def test_opening_leaves_the_random_state_unchanged(shared_chain: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    open_checkpoint(shared_chain / "aa.pt")
    assert torch.rand(1) == expected


def test_a_changed_byte_is_not_called_a_pickled_object(shared_chain: Path, tmp_path: Path) -> None:
    whole, path = (shared_chain / "nt.pt").read_bytes(), tmp_path / "x.pt"
    with zipfile.ZipFile(shared_chain / "nt.pt") as archive:
        description = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
    start = whole.index(description)
    for position in range(start, start + len(description), len(description) // 20):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(ClcapError, match=r"x\.pt is not a readable checkpoint \(damaged or truncated\)"):
            open_checkpoint(path)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_lack_of_memory_is_not_called_damage(
    shared_chain: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(type(error)):
        open_checkpoint(shared_chain / "nt.pt")
