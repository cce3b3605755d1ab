"""Shared pieces: the command line as a function, and one tiny chain of files that many tests read."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow
import pytest

from clcap_cli import __main__ as entry
from clcap_cli.metrics import meteor
from clcap_cli.metrics import registry as metric_registry
from clcap_cli.registry import import_object
from clcap_cli.stages.doctor import REGISTRIES
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.make_scenes import make_scenes
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle

CLCAP = [sys.executable, "-X", "faulthandler", "-m", "clcap_cli"]
"""The command line in a process of its own."""
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


FEW_PARAPHRASES = pyarrow.chunked_array([[b"0.5", b"a dog", b"a hound"]], type=pyarrow.binary())
read_whole_table = cache(meteor.read_paraphrase_table)


def real_data(name: str) -> Path:
    """A folder of real photos beside the checkout; the test skips where it is missing."""
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(autouse=True)
def few_paraphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR has a table of one paraphrase: searching the whole table takes seconds, each time."""
    monkeypatch.setattr(meteor, "read_paraphrase_table", lambda: FEW_PARAPHRASES)


@pytest.fixture
def all_paraphrases(few_paraphrases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR has its whole table, for tests of its values; the table is read once."""
    monkeypatch.setattr(meteor, "read_paraphrase_table", read_whole_table)


@pytest.fixture
def install_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Add a folder of installed packages to those of this process, until the end of the test."""

    def install(folder: Path) -> None:
        monkeypatch.syspath_prepend(folder)
        forget_plugins()

    yield install
    forget_plugins()


def forget_plugins() -> None:
    """Look for the plugins of installed packages again when they are next needed."""
    for place in REGISTRIES:
        import_object(place).__dict__.pop("plugins", None)
    metric_registry._loadable_metrics.cache_clear()


@dataclass
class Answer:
    """Exit status and printed text of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def clcap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., Answer]:
    """Run the command line in this process."""

    def run(*words: object) -> Answer:
        monkeypatch.setattr("sys.argv", ["clcap", *map(str, words)])
        capsys.readouterr()
        status = entry.run()
        result = capsys.readouterr()
        return Answer(status, result.out, result.err)

    return run


@pytest.fixture
def refused(clcap: Callable[..., Answer]) -> Callable[..., str]:
    """Run a command that cannot be done, and return its one message."""

    def run(*words: object) -> str:
        answer = clcap(*words)
        assert answer.status == 1
        assert answer.out == ""
        lines = answer.err.strip().splitlines()
        assert lines[-1].startswith("error: ")
        return lines[-1].removeprefix("error: ")

    return run


@pytest.fixture
def wrong(clcap: Callable[..., Answer]) -> Callable[..., str]:
    """Run a wrong command line, and return its one message."""

    def run(*words: object) -> str:
        answer = clcap(*words)
        assert (answer.status, answer.out) == (2, "")
        assert len(answer.err.splitlines()) == 1
        return answer.err.strip()

    return run


@pytest.fixture(scope="session")
def made_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chain")
    scenes = make_scenes(folder / "scenes", train=24, val=8, test=10)
    files = {split: [scenes / f"captions_{split}.json"] for split in ("train", "val", "test")}
    captions = prepare_captions(**files, out=folder / "captions.h5", min_count=2)
    features = extract_features(captions, [scenes / "images"], out=folder / "features.h5", image_size=64, device="cpu")
    small = {"embedding": 24, "hidden": 32, "epochs": 2, "lr": 0.01, "device": "cpu"}
    train_mle(captions, features, model="neuraltalk2", out=folder / "nt.pt", **small)
    train_mle(captions, features, model="adaptive-attention", out=folder / "aa.pt", **small)
    layers = ["layers=2", "heads=2", "feedforward_size=48"]
    del small["embedding"]
    train_mle(captions, features, model="transformer", model_option=layers, out=folder / "tf.pt", **small)
    train_cl(folder / "nt.pt", k=2, epochs=1, device="cpu")
    return folder


@pytest.fixture
def chain(made_chain: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with scenes/, captions.h5, features.h5, nt.pt, aa.pt, tf.pt and nt_cl.pt."""
    return Path(shutil.copytree(made_chain, tmp_path / "chain"))
