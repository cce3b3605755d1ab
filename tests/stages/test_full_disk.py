"""On a full disk, commands end with one line of error, old files are unchanged, and no new file is left."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from tests.conftest import CommandResult, tokenise_once

ROOT = Path(__file__).resolve().parents[2]

CAPTIONS = "prepare-captions --train scenes/captions_train.json --min-count 1 --out captions.h5"
FEATURES = "extract-features captions.h5 --images scenes/images --image-size 64 --out features.h5"
MLE = "train-mle captions.h5 features.h5 --out nt.pt --embedding 24 --hidden 32 --epochs 1 --no-preflight"
CL = "train-cl --ref nt.pt --k 1 --epochs 1 --no-preflight"
GAN = "train-cl --ref nt.pt --objective adversarial --k 2 --epochs 1 --no-preflight"
REPORT = "report nt.metrics.json --out report.html"
CASES = {
    "captions.h5": (16_000, CAPTIONS, "captions.h5"),
    "features.h5": (300_000, FEATURES, "features.h5"),
    "the prefix of features.h5": (0, FEATURES, "features.h5"),
    "a captioner": (50_000, MLE, "nt.pt"),
    "its log": (100, MLE, "nt.log.jsonl"),
    "a target": (3_000, CL, "nt_cl.pt"),
    "a discriminator": (200_000, GAN, "nt_gan.discriminator.pt"),
    "a new reference": (50_000, "swap-reference --ref nt.pt --candidate nt_cl.pt --force", "nt_ref1.pt"),
    "captions": (100, "caption nt.pt", "nt.captions.json"),
    "attention": (3_000, "caption aa.pt --attention", "aa.attention.h5"),
    "ranks": (500, "self-retrieve nt.pt", "nt.retrieval.json"),
    "every ln p": (7_400, "self-retrieve nt.pt --distractors train --full-matrix m.h5", "m.h5"),
    "scores": (2_000, "evaluate nt.captions.json --metrics BLEU", "nt.metrics.json"),
    "a comparison": (500, "compare nt.metrics.json nt.metrics.json --out c.json", "c.json"),
    "the page": (10_000, REPORT, "report.html"),
    "the page, after a table": (10_000, f"{REPORT} --csv t.csv", "report.html"),
    "a table": (50, f"{REPORT} --markdown t.md", "t.md"),
    "a plot": (10_000, f"{REPORT} --plots plots", "plots/nt.loss.pdf"),
    "a scene": (500, "make-scenes new --train 9 --val 1 --test 1", "new/images/0_000001.png"),
    "the captions of scenes": (6_000, "make-scenes new --train 40 --val 1 --test 1", "new/captions_train.json"),
    "scenes that were there": (6_000, "make-scenes scenes --train 40 --val 8 --test 9", "scenes/captions_train.json"),
}


@dataclass
class Outcome:
    """Exit status of a command, its lines on stderr, and the files before and after."""

    status: int
    result: list[str]
    before: dict[str, bytes]
    after: dict[str, bytes]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outcomes(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The outcome of each command."""
    base = Path(shutil.copytree(shared_chain, tmp_path_factory.mktemp("full") / "base"))
    evaluate(caption(base / "nt.pt", device="cpu"), metrics="BLEU")
    before = contents(base)
    folders = [shutil.copytree(base, base.with_name(f"case_{number}")) for number in range(len(CASES))]
    commands = [
        (str(folder), room, words.split()) for folder, (room, words, _) in zip(folders, CASES.values(), strict=True)
    ]
    # Without bytecode files, which the limit would cut short for whoever imports them next.
    child = [sys.executable, "-B", "-m", "tests.stages.on_a_full_disk"]
    process = subprocess.run(child, input=json.dumps(commands), capture_output=True, text=True, cwd=ROOT)
    assert (process.returncode, process.stderr) == (0, "")
    answers = json.loads(process.stdout.splitlines()[-1])
    return {
        case: Outcome(*result, before, contents(folder))
        for case, result, folder in zip(CASES, answers, folders, strict=True)
    }


@pytest.mark.parametrize("case", CASES)
def test_a_full_disk_gives_one_line_and_changes_no_file(outcomes: dict[str, Outcome], case: str) -> None:
    outcome, (_, _, name) = outcomes[case], CASES[case]
    assert outcome.status == 1
    assert outcome.result[-1] == f"error: {name} cannot be written: File too large"
    assert not [line for line in outcome.result if line.startswith(("Traceback", "Exception", "  File"))]
    assert outcome.after == outcome.before


def test_a_cache_that_cannot_be_written_is_a_warning(outcomes: dict[str, Outcome]) -> None:
    warning = "warning: nt.reference.h5 cannot be written: File too large; clcap will compute it again next time"
    assert warning in outcomes["a target"].result


@pytest.mark.usefixtures("small_discriminator")
def test_captioner_and_discriminator_are_written_together(
    error_of, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(out: Path, *_: object) -> None:
        raise ClcapError(f"{out.name} cannot be written")

    monkeypatch.setattr("clcap_cli.artifacts.checkpoints.write_checkpoint", full)
    before = contents(chain)
    assert error_of(*GAN.replace("nt.pt", str(chain / "nt.pt")).split()) == "nt_gan.pt cannot be written"
    assert contents(chain) == before


def test_a_missing_temporary_folder_is_reported(
    clcap: Callable[..., CommandResult], error_of, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chain)
    assert clcap("caption", "nt.pt").status == 0
    monkeypatch.setattr(tempfile, "tempdir", str(chain / "none"))
    tokenise_once.cache_clear()
    message = error_of("evaluate", "nt.captions.json")
    assert (
        message == "cannot create a temporary file: No such file or directory; set TMPDIR to a folder with free space"
    )
