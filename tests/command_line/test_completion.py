"""Shells complete stages, options and values."""

from collections.abc import Callable

import pytest

from clcap_cli.app import STAGES
from clcap_cli.hugging_face.folder import FAMILIES
from tests.conftest import CommandResult

Run = Callable[..., CommandResult]


@pytest.fixture
def complete(clcap: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """The completions that bash offers for the last word of a command line."""

    def run(line: str) -> list[str]:
        monkeypatch.setenv("_CLCAP_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        result = clcap()
        assert (result.status, result.err) == (0, "")
        return result.out.split()

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("clcap train-", ["train-mle", "train-cl"]),
        ("clcap train-mle --sch", ["--schedule"]),
        ("clcap train-mle c.h5 f.h5 --schedule cosine-", ["cosine-by-epoch"]),
        ("clcap train-mle --model ", ["neuraltalk2", "adaptive-attention", "transformer", *FAMILIES]),
        ("clcap train-cl --ref nt.pt --objective d", ["dpo"]),
        ("clcap evaluate --metrics BLEU,CIDEr", ["BLEU,CIDEr", "BLEU,CIDErBtw"]),
        ("clcap caption nt.pt --split t", ["train", "test"]),
        ("clcap caption nt.pt --device c", ["cpu", "cuda"]),
        ("clcap caption --ou", ["--out"]),
        ("clcap caption nt.pt --out ", []),
        ("clcap caption ", []),
        ("clcap --verb", ["--verbose"]),
    ],
)
def test_the_last_word_is_completed(complete: Callable[[str], list[str]], line: str, expected: list[str]) -> None:
    assert complete(line) == expected


def test_every_stage_is_offered(complete: Callable[[str], list[str]]) -> None:
    assert complete("clcap ") == [stage.name for stage in STAGES]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_the_shell_calls_clcap(clcap: Run, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_CLCAP_COMPLETE", f"source_{shell}")
    result = clcap()
    assert result.status == 0 and f"_CLCAP_COMPLETE=complete_{shell}" in result.out
