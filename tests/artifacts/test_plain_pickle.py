"""Plain values of PyTorch's files, read without PyTorch."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clcap_cli.artifacts.plain_pickle import plain_values
from clcap_cli.errors import ClcapError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def without_tensors(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return None
    if isinstance(value, dict):
        return {key: without_tensors(inner) for key, inner in value.items()}
    return type(value)(map(without_tensors, value)) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "data").glob("version*/*.pt")), ids=str)
def test_checkpoints_hold_what_pytorch_loads(path: Path) -> None:
    assert plain_values(path) == without_tensors(torch.load(path, weights_only=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(value=PLAIN)
def test_any_plain_value_is_read_as_it_was_saved(tmp_path: Path, value: Any) -> None:
    torch.save({"value": value, "again": value}, tmp_path / "x.pt")
    assert plain_values(tmp_path / "x.pt") == {"value": value, "again": value}


class Evil:
    def __reduce__(self) -> tuple:
        return print, ("this must never be printed",)


def test_other_classes_are_refused_and_nothing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    torch.save({"provenance": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ClcapError, match="contains pickled Python objects"):
        plain_values(tmp_path / "evil.pt")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"}", b"h\x05.", b"\x85.", b"(.", b"]K\x01s.", pickle.dumps(OrderedDict(a=1), 2)[:-3]]
)
def test_a_damaged_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("archive/data.pkl", content)
    with pytest.raises(ClcapError, match="is not a readable checkpoint"):
        plain_values(tmp_path / "x.pt")
