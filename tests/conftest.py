"""Fixtures that many tests share: the command line as a function, and a small chain of files."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow
import pytest
from hypothesis import HealthCheck, settings

from clcap_cli import __main__ as entry
from clcap_cli.metrics import meteor, ptb_tokenizer
from clcap_cli.metrics import registry as metric_registry
from clcap_cli.metrics.java_runtime import find_java
from clcap_cli.registry import import_object
from clcap_cli.stages.doctor import REGISTRIES
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.make_scenes import make_scenes
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.verbosity import reset

CLCAP = [sys.executable, "-X", "faulthandler", "-m", "clcap_cli"]
"""The command line in a separate process."""
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Hundreds of processes would each compile all modules.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A busy machine must not fail a test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

FEW_PARAPHRASES = pyarrow.chunked_array([[b"0.5", b"a dog", b"a hound"]], type=pyarrow.binary())
read_whole_table = cache(meteor.read_paraphrase_table)
tokenise_group = ptb_tokenizer._tokenise_group


def real_data(name: str) -> Path:
    """A folder of real data next to the checkout; skips the test if it is missing."""
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(autouse=True)
def few_paraphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace METEOR's paraphrase table by one entry, because searching the whole table takes seconds."""
    monkeypatch.setattr(meteor, "read_paraphrase_table", lambda: FEW_PARAPHRASES)


@cache
def tokenise_once(java: Path, texts: tuple[str, ...]) -> list[str]:
    return tokenise_group(texts)


@pytest.fixture(autouse=True)
def equal_texts_are_tokenised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember what the tokeniser wrote for the same texts, because starting Java takes half a second."""
    monkeypatch.setattr(ptb_tokenizer, "_tokenise_group", lambda texts: list(tokenise_once(find_java(), tuple(texts))))


@pytest.fixture
def all_paraphrases(few_paraphrases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give METEOR its whole paraphrase table, which is read once, for tests of METEOR's values."""
    monkeypatch.setattr(meteor, "read_paraphrase_table", read_whole_table)


@pytest.fixture
def install_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Make the packages installed in a folder visible to this process until the end of the test."""

    def install(folder: Path) -> None:
        monkeypatch.syspath_prepend(folder)
        forget_plugins()

    yield install
    forget_plugins()


def forget_plugins() -> None:
    """Make registries search for plugins again."""
    for position in REGISTRIES:
        import_object(position).__dict__.pop("plugins", None)
    metric_registry._loadable_metrics.cache_clear()


@dataclass
class CommandResult:
    """Exit status and printed text of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def clcap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., CommandResult]:
    """Run the command line in this process."""

    def run(*arguments: object) -> CommandResult:
        monkeypatch.setattr("sys.argv", ["clcap", *map(str, arguments)])
        capsys.readouterr()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            status = entry.run()
        finally:
            reset()  # stages that a test calls from Python print as usual
            for number, handler in handlers.items():  # an interrupted command ignores further signals
                signal.signal(number, handler)
        result = capsys.readouterr()
        return CommandResult(status, result.out, result.err)

    return run


@pytest.fixture
def error_of(clcap: Callable[..., CommandResult]) -> Callable[..., str]:
    """Run a command that fails, and return its error message."""

    def run(*arguments: object) -> str:
        result = clcap(*arguments)
        assert result.status == 1
        assert result.out == ""
        lines = result.err.strip().splitlines()
        assert lines[-1].startswith("error: ")
        return lines[-1].removeprefix("error: ")

    return run


@pytest.fixture
def usage_error_of(clcap: Callable[..., CommandResult]) -> Callable[..., str]:
    """Run an invalid command line, and return its one line of error."""

    def run(*arguments: object) -> str:
        result = clcap(*arguments)
        assert (result.status, result.out) == (2, "")
        assert len(result.err.splitlines()) == 1
        return result.err.strip()

    return run


@pytest.fixture
def small_discriminator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the adversarial objective make a small discriminator, and train it alone for one epoch."""
    from clcap_cli.models.discriminator import DiscriminatorConfig

    small = partial(DiscriminatorConfig, embedding_size=16, hidden_size=16)
    monkeypatch.setattr("clcap_cli.stages.train_cl_inputs.DiscriminatorConfig", small)
    monkeypatch.setattr("clcap_cli.training.adversarial_task.WARM_UP_EPOCHS", 1)


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny CLIP model, which tests only read."""
    from tests.encoders.tiny_clip import save_tiny_clip  # with transformers, which takes seconds to import

    return save_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny-clip")


@pytest.fixture(scope="session")
def tiny_captioners(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny captioner of each family of Hugging Face that knows the chain's words; tests only read it.

    Its subfolders are called vision-encoder-decoder, blip and git.
    """
    from clcap_cli.artifacts.captions import open_captions
    from tests.hugging_face.tiny_models import FAMILIES, save_tiny  # with transformers, which takes seconds to import

    folder, words = tmp_path_factory.mktemp("captioners"), open_captions(shared_chain / "captions.h5").tokenizer.words
    for family in FAMILIES:
        save_tiny(family, folder / family, words)
    return folder


@pytest.fixture(scope="session")
def shared_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scenes/, captions.h5, features.h5, nt.pt, aa.pt, tf.pt and nt_cl.pt, which tests only read."""
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
def chain(shared_chain: Path, tmp_path: Path) -> Path:
    """A copy of the shared chain that the test may change."""
    return Path(shutil.copytree(shared_chain, tmp_path / "chain"))
