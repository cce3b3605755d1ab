"""Checkpoints that hold only what training changed, and name the checkpoint that has the rest."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.errors import ClcapError
from clcap_cli.stages.swap_reference import swap_reference
from clcap_cli.stages.train_cl import train_cl

PATTERN = "output.*"
OWN = {"output.weight", "output.bias"}


@pytest.fixture(scope="module")
def tuned_chain(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shared chain with tuned.pt, whose output layer was trained by contrastive learning."""
    folder = Path(shutil.copytree(shared_chain, tmp_path_factory.mktemp("tuned") / "chain"))
    train_cl(folder / "nt.pt", k=2, epochs=1, lr=1e-2, train_layers=[PATTERN], out=folder / "tuned.pt", device="cpu")
    return folder


@pytest.fixture
def folder(tuned_chain: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tuned_chain, tmp_path / "chain"))


def weights_in(path: Path) -> set[str]:
    return set(torch.load(path, weights_only=True)["weights"])


def test_only_the_trained_weights_are_in_the_file(tuned_chain: Path) -> None:
    before, after = open_checkpoint(tuned_chain / "nt.pt"), open_checkpoint(tuned_chain / "tuned.pt")
    assert weights_in(tuned_chain / "tuned.pt") == OWN
    assert list(after.weights) == list(before.weights)
    changed = {name for name, value in after.weights.items() if not torch.equal(value, before.weights[name])}
    assert changed == OWN


def test_a_checkpoint_that_builds_on_it_names_the_same_base(folder: Path) -> None:
    """Its file has the weights that either of them changed."""
    names = {"words.weight"}
    train_cl(folder / "tuned.pt", k=2, epochs=1, train_layers=[*names], out=folder / "more.pt", device="cpu")
    base, first = read_provenance(folder / "nt.pt").id, open_checkpoint(folder / "tuned.pt")
    recorded = read_provenance(folder / "more.pt").input("base")
    assert recorded is not None
    assert (recorded.path, recorded.id) == ("nt.pt", base)
    assert weights_in(folder / "more.pt") == OWN | names
    (folder / "tuned.pt").unlink()
    opened = open_checkpoint(folder / "more.pt")
    assert torch.equal(opened.weights["output.bias"], first.weights["output.bias"])


def test_all_weights_are_trained_and_written_without_the_option(folder: Path) -> None:
    train_cl(folder / "tuned.pt", k=2, epochs=1, out=folder / "whole.pt", device="cpu")
    assert open_checkpoint(folder / "whole.pt").base is None
    (folder / "nt.pt").unlink()
    open_checkpoint(folder / "whole.pt")


def test_a_promoted_reference_keeps_the_base(folder: Path) -> None:
    swap_reference(folder / "nt.pt", folder / "tuned.pt", out=folder / "ref1.pt", force=True, device="cpu")
    assert weights_in(folder / "ref1.pt") == OWN
    before, after = (open_checkpoint(folder / name).weights for name in ("tuned.pt", "ref1.pt"))
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_show_names_the_base(tuned_chain: Path, clcap: Callable[..., Any]) -> None:
    assert f"{tuned_chain / 'nt.pt'}; this file holds 2 of 8 weights" in clcap("show", tuned_chain / "tuned.pt").out


def test_the_base_cannot_be_overwritten(tuned_chain: Path) -> None:
    with pytest.raises(ClcapError, match=r"nt\.pt is an input of this command"):
        train_cl(tuned_chain / "tuned.pt", train_layers=[PATTERN], out=tuned_chain / "nt.pt", device="cpu")


def error_of(path: Path) -> str:
    with pytest.raises(ClcapError) as error:
        open_checkpoint(path)
    return str(error.value).replace(f"{path.parent}/", "")


HELD = "tuned.pt holds only the weights in which it differs from it"


def test_a_missing_base_is_named(folder: Path) -> None:
    (folder / "nt.pt").rename(folder / "elsewhere.pt")
    assert error_of(folder / "tuned.pt") == (
        f"tuned.pt was created from nt.pt, which no longer exists; {HELD}, so put it back there"
    )


def test_another_base_is_refused(folder: Path) -> None:
    (folder / "aa.pt").rename(folder / "nt.pt")
    message = error_of(folder / "tuned.pt")
    assert message.startswith("nt.pt has changed since tuned.pt was created from it (then ")
    assert message.endswith(f"; {HELD}, so restore it")


def test_a_damaged_base_is_named(folder: Path) -> None:
    content = torch.load(folder / "nt.pt", weights_only=True)
    content["weights"]["words.weight"] = torch.zeros(3)
    torch.save(content, folder / "nt.pt")
    assert error_of(folder / "tuned.pt").startswith("nt.pt is damaged: its weight 'words.weight' is float32 (3), ")


def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    return path


def base_in(content: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in content["provenance"]["inputs"] if one["role"] == "base")


def test_a_base_that_is_the_file_itself_is_refused(folder: Path) -> None:
    own = {"path": "tuned.pt", "id": read_provenance(folder / "tuned.pt").id}
    path = changed(folder / "tuned.pt", lambda content: base_in(content).update(own))
    assert error_of(path) == "tuned.pt is damaged: its base tuned.pt has a base itself; create it again"


def test_a_base_of_another_architecture_is_refused(folder: Path) -> None:
    other = {"path": "tf.pt", "id": read_provenance(folder / "tf.pt").id}
    path = changed(folder / "tuned.pt", lambda content: base_in(content).update(other))
    assert error_of(path).startswith("tuned.pt is damaged: its weight 'image.weight' is ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda content: content["weights"].update(other=torch.zeros(1)),
            "its weight 'other' is float32 (1), expected",
        ),
        (lambda content: content["weights"].update({"output.bias": torch.full((45,), torch.nan)}), "its weight"),
        (lambda content: content.update(weights=None), "it has no weights"),
    ],
)
def test_damaged_weights_are_refused(folder: Path, change: Callable[[dict[str, Any]], Any], problem: str) -> None:
    assert error_of(changed(folder / "tuned.pt", change)).startswith(f"tuned.pt is damaged: {problem}")


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/zero"])
def test_no_path_outside_of_the_users_files_is_followed(folder: Path, path: str) -> None:
    changed(folder / "tuned.pt", lambda content: base_in(content).update(path=path))
    assert f"records '{path}' as the path of its base" in error_of(folder / "tuned.pt")
