"""--quiet, --verbose and --debug say how much is printed, before and after the stage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.errors import ClcapError
from clcap_cli.verbosity import quiet
from tests.conftest import CommandResult

Run = Callable[..., CommandResult]
SCENES = ("--train", 1, "--val", 1, "--test", 1)


@pytest.mark.parametrize("stands", ["before", "after"])
def test_quiet_prints_only_the_result(clcap: Run, tmp_path: Path, stands: str) -> None:
    arguments = ("make-scenes", tmp_path / "s", *SCENES)
    result = clcap("--quiet", *arguments) if stands == "before" else clcap(*arguments, "--quiet")
    assert result == CommandResult(0, f"{tmp_path}/s\n", "")
    assert clcap(*arguments).err.startswith("1 training, 1 validation and 1 test scenes with five captions each\n")


@pytest.mark.parametrize("stands", ["before", "after"])
def test_verbose_says_where_each_value_comes_from(clcap: Run, tmp_path: Path, stands: str) -> None:
    (tmp_path / "run.yaml").write_text("val: 1")
    arguments = ("make-scenes", tmp_path / "s", "--train", 1, "--test", 1, "--config", tmp_path / "run.yaml")
    result = clcap("--verbose", *arguments) if stands == "before" else clcap(*arguments, "--verbose")
    assert result.out == f"{tmp_path}/s\n"
    for line in (
        "train: 1 (command line)",
        "val: 1 (--config)",
        "seed: 0 (default)",
        f"folder: {tmp_path}/s (command line)",
    ):
        assert f"{line}\n" in result.err


def test_verbose_names_the_files_that_are_read(clcap: Run, tmp_path: Path) -> None:
    table = tmp_path / "predictions.csv"
    table.write_text("image,caption,split\na.jpg,a dog,train\n")
    result = clcap("prepare-captions", table, "--min-count", 1, "--out", tmp_path / "c.h5", "--verbose")
    assert result.status == 0 and f"dataset: {table}\n" in result.err, result.err


@pytest.mark.parametrize(
    "words", [("--quiet", "show", "x", "--verbose"), ("--quiet", "--verbose"), ("show", "x", "--quiet", "--verbose")]
)
def test_quiet_and_verbose_exclude_each_other(usage_error_of: Callable[..., str], words: tuple[str, ...]) -> None:
    assert usage_error_of(*words).startswith(
        "error: --quiet and --verbose exclude each other; give one of the two (see clcap "
    )


@pytest.mark.parametrize("words", [("--debug", "show", "none.pt"), ("show", "none.pt", "--debug")])
def test_debug_raises_what_is_worded_otherwise(clcap: Run, words: tuple[str, ...]) -> None:
    with pytest.raises(ClcapError, match=r"no such file: none\.pt"):
        clcap(*words)
    assert clcap("show", "none.pt").err == "error: no such file: none.pt\n", "the next command has its own verbosity"


def test_quiet_keeps_errors_and_warnings(clcap: Run, monkeypatch) -> None:
    assert clcap("show", "none.pt", "--quiet").err == "error: no such file: none.pt\n"

    def work(*_: object) -> None:
        print_warning("mind the gap")
        assert list(progress([1, 2], 2, "steps")) == [1, 2]
        raise ClcapError("done")

    monkeypatch.setattr("clcap_cli.artifacts.lineage.read_provenance", work)
    assert clcap("--quiet", "show", __file__).err == "warning: mind the gap\nerror: done\n"


def test_a_stage_can_run_others_quietly(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(ClcapError), quiet():
        print_info("a table of another stage")
        raise ClcapError("done")
    print_info("the next message")
    assert capsys.readouterr().err == "the next message\n"
