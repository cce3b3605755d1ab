"""What is wrong is said before PyTorch, which takes seconds to import, is imported."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import CLCAP

DATA = Path(__file__).parents[1] / "data" / "version3"
MLE, CL = ("train-mle", "captions.h5", "features.h5"), ("train-cl", "--ref", "nt.pt")
CASES: list[tuple[tuple[str, ...], int, str]] = [
    ((*MLE, "--model", "tranformer"), 2, "--model: unknown model 'tranformer'; did you mean transformer?"),
    ((*MLE, "--tokenizer", "missing.json"), 1, "no such file: missing.json"),
    ((*MLE, "--device", "cuba"), 2, "--device: unknown device 'cuba'; expected auto, cpu, cuda, cuda:N or mps"),
    ((*MLE, "--out", "nt.pt/x.pt"), 1, "nt.pt/x.pt cannot be written: nt.pt is not a folder"),
    (("train-mle", "features.h5", "captions.h5"), 1, "features.h5 is a features file (*.h5) of extract-"),
    (("train-mle", ".", "features.h5"), 1, ". is a folder; a file is expected here"),
    ((*CL, "--objective", "simp"), 2, "--objective: unknown objective 'simp'; did you mean simpo?"),
    ((*CL, "--objective", "positives-only", "--k", "3"), 2, "--k: the objective positives-only does not accept it"),
    ((*CL, "--captions", "features.h5"), 1, "features.h5 is a features file (*.h5) of extract-"),
    (
        ("train-cl", "--ref", "captions.h5"),
        1,
        "captions.h5 is a captions file (*.h5) of prepare-captions; a",
    ),
    (("caption", "missing.pt"), 1, "no such file: missing.pt"),
    (("caption", "nt.pt", "--split", "tset"), 1, "captions.h5 has no images in split 'tset'; it has: train 12, "),
    (("self-retrieve", "nt.pt", "--split", "tset"), 1, "captions.h5 has no images in split 'tset'; it has: train 12, "),
    (("self-retrieve", "nt.pt", "--pool", "99"), 1, "--pool 99 is more than the 8 images of split 'test'"),
    (("evaluate", "nt.captions.json", "--split", "tset"), 1, "captions.h5 has no images in split 'tset'; it has: "),
    (("evaluate", "nt.captions.json", "--metrics", "CIDR"), 2, "--metrics: unknown metric 'CIDR'; did you mean CIDEr"),
    (
        ("extract-features", "captions.h5", "--images", "."),
        1,
        "none of the 26 images can be read: no such file: 0_",
    ),
    (
        ("extract-features", "captions.h5", "--images", "x"),
        1,
        "x is missing; a folder or a tar archive is expected here",
    ),
    (("swap-reference", "--ref", "nt.pt", "--candidate", "x.pt"), 1, "no such file: x.pt"),
    (("compare", "missing.json"), 1, "no such file: missing.json"),
    (("prepare-captions", "missing.json"), 1, "no such file: missing.json"),
]
CODE = """
import contextlib, io, json, sys
from clcap_cli.__main__ import run
for words in json.load(sys.stdin):
    sys.argv = ["clcap", *words]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = run()
    print(json.dumps([status, said.getvalue(), "torch" in sys.modules]))
"""


def test_no_refusal_waits_for_pytorch(tmp_path: Path) -> None:
    for name in ("captions.h5", "features.h5", "nt.pt", "nt.captions.json", "nt.captions.provenance.json"):
        shutil.copy(DATA / name, tmp_path)
    asked = json.dumps([words for words, _, _ in CASES])
    done = subprocess.run([*CLCAP[:1], "-c", CODE], cwd=tmp_path, input=asked, capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(CASES), done.stderr
    for (words, status, message), answer in zip(CASES, answers, strict=True):
        assert answer[0] == status and answer[1].removeprefix(f"error: {tmp_path}/").removeprefix("error: ").startswith(
            message
        ), (words, answer)
        assert not answer[2], words


def test_captions_in_a_file_are_shown_and_scored_without_pytorch(tmp_path: Path) -> None:
    for name in ("captions.h5", "features.h5", "nt.pt", "nt.captions.json", "nt.captions.provenance.json"):
        shutil.copy(DATA / name, tmp_path)
    asked = json.dumps([["show", "nt.captions.json"], ["evaluate", "nt.captions.json", "--metrics", "ROUGE_L"]])
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, input=asked, capture_output=True, text=True)
    *_, shown, path, scored = done.stdout.splitlines()
    assert path == "nt.metrics.json", done.stderr
    assert [json.loads(answer)[::2] for answer in (shown, scored)] == [[0, False], [0, False]], done.stderr
