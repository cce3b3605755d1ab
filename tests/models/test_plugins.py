"""A model of an installed package can be used by name in every stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.models.neuraltalk2 import NeuralTalk2
from clcap_cli.models.registry import MODELS

CODE = """
from dataclasses import dataclass
from clcap_cli.models.neuraltalk2 import NeuralTalk2, NeuralTalk2Config

@dataclass(frozen=True)
class MineConfig(NeuralTalk2Config):
    hidden_size: int = 12
    colour: str = "red"

class Mine(NeuralTalk2):
    Config = MineConfig
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a model, a broken one, and one with the name of a model of clcap."""
    info = tmp_path / "site" / "mine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    points = ["mine = mine:Mine", "broken = mine:Missing", "neuraltalk2 = mine:Mine"]
    (info / "entry_points.txt").write_text("\n".join(["[clcap.models]", *points]))
    (tmp_path / "site" / "mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    MODELS.__dict__.pop("plugins", None)
    yield tmp_path / "site"
    MODELS.__dict__.pop("plugins", None)


def test_a_plugin_model_works_in_every_stage(chain: Path, clcap, package: Path) -> None:
    assert {"neuraltalk2", "blip", "broken", "mine"} <= set(MODELS.names)
    arguments = ["train-mle", chain / "captions.h5", chain / "features.h5", "--model", "mine", "--embedding", 8]
    assert clcap(*arguments, "--model-option", "colour=blue", "--epochs", 1, "--out", chain / "mine.pt").status == 0
    config = open_checkpoint(chain / "mine.pt").config
    assert (config.hidden_size, config.colour) == (12, "blue")
    assert clcap("train-cl", "--ref", chain / "mine.pt", "--k", 1, "--epochs", 1).status == 0
    assert clcap("self-retrieve", chain / "mine_cl.pt").status == 0


def test_a_plugin_cannot_replace_a_model_of_clcap(package: Path) -> None:
    assert MODELS.get("neuraltalk2") is NeuralTalk2


def test_the_message_names_a_plugin_that_cannot_be_loaded(chain: Path, error_of, package: Path) -> None:
    arguments = ["train-mle", chain / "captions.h5", chain / "features.h5", "--model", "broken"]
    message = error_of(*arguments)
    assert message.startswith("the model 'broken' of the package mine 1.0 cannot be loaded: AttributeError: module")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "neuraltalk"], "--model: unknown model 'neuraltalk'; did you mean neuraltalk2?"),
        (
            ["--model-option", "layers=2"],
            "--model-option: the model neuraltalk2 has no 'layers'; it has: embedding_size, hidden_size, ",
        ),
        (["--model-option", "start_token=2"], "--model-option: the model neuraltalk2 has no 'start_token'; it has: "),
        (
            ["--model", "transformer", "--model-option", "layers=many"],
            "--model-option: layers must be a valid integer, not 'many'",
        ),
        (
            ["--model", "transformer", "--hidden", "10"],
            "--model-option: hidden_size 10 must be a multiple of twice the 8 heads",
        ),
        (["--hidden", "8", "--model-option", "hidden_size=9"], "hidden_size is also set by --hidden; give only one"),
        (
            ["--model", "transformer", "--embedding", "8"],
            "--embedding: the model transformer has no 'embedding_size'; it has: ",
        ),
    ],
)
def test_invalid_models_and_options_are_rejected(chain: Path, usage_error_of, words: list, message: str) -> None:
    assert message in usage_error_of("train-mle", chain / "captions.h5", chain / "features.h5", *words)
