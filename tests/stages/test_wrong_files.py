"""Each file that a stage reads, replaced by every wrong kind of file: one line says what the file is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS
from tests.file_kinds.examples import EXAMPLES, write_examples

OLD_FILES = Path(__file__).parents[1] / "data" / "version3"
OWN = {
    "captions.h5": "clcap/captions",
    "features.h5": "clcap/features",
    "nt.pt": "clcap/checkpoint",
    "nt.metrics.json": "clcap/metrics",
}
CAPTIONS, FEATURES, CHECKPOINT = ("clcap/captions", "clcap/features", "clcap/checkpoint")
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "extract-features": (("extract-features", "FILE", "--images", "."), (CAPTIONS,)),
    "import-features captions": (("import-features", "FILE", ".", "--out", "o.h5"), (CAPTIONS,)),
    "import-features regions": (("import-features", "captions.h5", "FILE", "--out", "o.h5"), ()),
    "train-mle captions": (("train-mle", "FILE", "features.h5"), (CAPTIONS,)),
    "train-mle features": (("train-mle", "captions.h5", "FILE"), (FEATURES,)),
    "train-mle --tokenizer": (("train-mle", "captions.h5", "features.h5", "--tokenizer", "FILE"), ()),
    "train-cl --ref": (("train-cl", "--ref", "FILE"), (CHECKPOINT,)),
    "train-cl --target": (("train-cl", "--ref", "nt.pt", "--target", "FILE", "--out", "o.pt"), (CHECKPOINT,)),
    "train-cl --captions": (("train-cl", "--ref", "nt.pt", "--captions", "FILE"), (CAPTIONS,)),
    "swap-reference": (("swap-reference", "--ref", "nt.pt", "--candidate", "FILE"), (CHECKPOINT,)),
    "self-retrieve": (("self-retrieve", "FILE"), (CHECKPOINT,)),
    "self-retrieve --features": (("self-retrieve", "nt.pt", "--features", "FILE"), (FEATURES,)),
    "compare": (("compare", "nt.metrics.json", "FILE"), ("clcap/metrics",)),
    "evaluate --retrieval": (("evaluate", "nt.captions.json", "--retrieval", "FILE"), ("clcap/retrieval",)),
    "prepare-captions": (("prepare-captions", "FILE", "--out", "o.h5"), ()),
    "evaluate --predictions": (("evaluate", "--predictions", "FILE", "--references", "captions.h5"), ()),
    "inspect": (("inspect", "FILE"), ()),
}
"""Command line of each place for a file, and the kinds of artifacts that are right there."""
WRONG = ("empty.json", "page.json", "pointer.h5", "notes.md", "other.h5", "other.pt", "a.jpg")
"""Some of the other kinds; that all are recognised is tested with ``file_kinds``."""
CODE_WORDS = ("Traceback", "Error:", "errno", "<class")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a run and with a file of every other kind."""
    folder = Path(shutil.copytree(OLD_FILES, tmp_path_factory.mktemp("run") / "files"))
    write_examples(folder)
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_file_is_called_what_it_is(
    place: str, folder: Path, error_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    words, right = PLACES[place]
    descriptions = {name: EXAMPLES[name][1] for name in WRONG}
    descriptions |= {name: DESCRIPTIONS[kind] for name, kind in OWN.items() if kind not in right}
    for name, description in descriptions.items():
        message = error_of("--quiet", *(name if word == "FILE" else word for word in words))
        assert not any(word in message for word in CODE_WORDS), message
        assert message.startswith(name), message
        generic = f"{name} is not a caption file of a known format: it is {description}"
        own_rule = message.startswith(generic) or (place, name) == ("import-features regions", "other.h5")
        assert (
            message.startswith((f"{name} is {description}; ", f"{name} is {description} (it contains ")) or own_rule
        ), message


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_in_the_place_of_a_file_is_called_a_folder(
    place: str, folder: Path, error_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty folder").mkdir(exist_ok=True)
    message = error_of("--quiet", *("empty folder" if word == "FILE" else word for word in PLACES[place][0]))
    assert message.startswith("empty folder ")
    assert "is a folder" in message or "no" in message
