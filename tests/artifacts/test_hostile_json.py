"""JSON files that clcap wrote and somebody changed give one message, whatever their values are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VERSION3 = Path(__file__).parents[1] / "data" / "version3"
LOG_ERROR = "line 1 is not a record of an epoch; *.log.jsonl files are written by train-mle and train-cl"

TOO_MANY = {str(number): 0 for number in range(1001)}


def changed(folder: Path, name: str, change: Callable[[Any], object]) -> Path:
    path = Path(shutil.copy(VERSION3 / name, folder))
    content = json.loads(path.read_text())
    if name.endswith(".metrics.json"):  # of version 1
        content["metrics"] = content.pop("figures")
        content["provenance"]["version"] = 2
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def show_and_report(clcap, tmp_path: Path) -> Callable[[Path], list[str]]:
    """The errors of show and report about a file; empty where it is accepted."""

    def run(path: Path) -> list[str]:
        results = [clcap("show", path), clcap("report", path, VERSION3 / "nt_cl.metrics.json", "--text")]
        assert all(result.status in (0, 1) and "Traceback" not in result.err for result in results)
        return [result.err.strip().splitlines()[-1].replace(f"{path}", "X") for result in results if result.status]

    return run


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "1" + "0" * 400, "1e308"])
def test_numbers_beyond_a_float_in_a_log_are_left_out(tmp_path: Path, clcap, number: str) -> None:
    log, metrics = tmp_path / "nt.log.jsonl", Path(shutil.copy(VERSION3 / "nt.metrics.json", tmp_path))
    log.write_text(f'{{"epoch": 0, "seconds": 1, "loss": {number}}}\n{{"epoch": 1, "seconds": 2, "loss": {number}}}\n')
    assert "2 validations; the last: epoch 1, seconds 2" in clcap("show", log).out
    assert clcap("report", metrics, "--out", tmp_path / "page.html").status == 0


@pytest.mark.parametrize("line", ['{"epoch": 1e400, "seconds": 1}', '{"epoch": "1", "seconds": 1}', "5", "[]", "null"])
def test_a_log_without_epochs_is_refused(tmp_path: Path, show_and_report, line: str) -> None:
    log = tmp_path / "nt.log.jsonl"
    log.write_text(f'{line}\n{{"epoch": 1, "seconds": 2}}\n')
    assert f"error: X, {LOG_ERROR}" in show_and_report(log)


def test_an_integer_of_5000_digits_is_refused(tmp_path: Path, show_and_report) -> None:
    log = tmp_path / "nt.log.jsonl"
    log.write_text(f'{{"epoch": 1, "seconds": 1, "loss": {"1" * 5000}}}\n')
    message = "error: X contains a number with thousands of digits; write it as text"
    assert show_and_report(log)[-1] == message


def test_lists_nested_100000_deep_are_refused(tmp_path: Path, show_and_report) -> None:
    path = tmp_path / "nt.metrics.json"
    path.write_text('{"provenance": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert all(
        "nested too deeply" in message or " is JSON that is cut off" in message for message in show_and_report(path)
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: content.update(metrics=[]), "at metrics: Input should be a valid dictionary"),
        (lambda content: content.update(intervals={"CIDEr": [float("nan"), 1]}), "at intervals.CIDEr.0: "),
        (lambda content: content.update(intervals={"CIDEr": [1]}), "at intervals.CIDEr.1: Field required"),
        (lambda content: content.update(signatures={"CIDEr": {}}), "at signatures.CIDEr: "),
        (lambda content: content.update(images=[]), "at images: List should have at least 1 item"),
        (lambda content: content["images"][0].update(meteor_statistics=[0.0] * 22), "at image 19.meteor_statistics"),
        (lambda content: content["images"][0].update(CIDEr=10**400), "at image 19.CIDEr: Input "),
        (lambda content: content["images"].append(content["images"][0]), "is damaged: it contains an image twice"),
        (lambda content: content["metrics"].update((f"m{i}", 1) for i in range(1000)), "at metrics: Dictionary "),
        (lambda content: content["signatures"].update(CIDEr="x" * 10_001), "at signatures.CIDEr: String "),
        (lambda content: content["made_from"].extend({"role": "r", "id": "0"} for _ in range(1000)), "at made_from: "),
        (lambda content: content["made_from"][0].update(settings=TOO_MANY), "at made_from.0.settings: "),
        (lambda content: content["provenance"].pop("id"), "is not a clcap file: its provenance is damaged at id"),
        (lambda content: content["provenance"].update(version=10**30), " version 1000000000000000000000000000000, "),
        (lambda content: content["provenance"].update(settings=5), "its provenance is damaged at settings"),
        (lambda content: content["made_from"].append({"role": 5}), "at made_from."),
    ],
)  # fmt: skip
def test_results_with_wrong_values_are_refused(tmp_path: Path, show_and_report, change, problem: str) -> None:
    messages = show_and_report(changed(tmp_path, "nt.metrics.json", change))
    assert len(messages) == 2
    assert all(problem in message for message in messages)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(metrics={f"m{number}": 1.0 for number in range(1000)}),
        lambda content: content["metrics"].update({"\x1b]0;x\x07": 1.0, "": 2.0, "x" * 5000: 3.0}),
        lambda content: content["metrics"].update(CIDEr=10**400, METEOR="1", ROUGE_L=None),
        lambda content: content["provenance"]["settings"].update({f"s{number}": number for number in range(900)}),
        lambda content: content["provenance"].update(stage="\x1b[2J" * 100, created="", command="x" * 10**6),
        lambda content: content["made_from"].extend({"role": f"r{number}", "id": "0"} for number in range(900)),
    ],
)
def test_results_with_odd_values_are_read(tmp_path: Path, show_and_report, capsys, change) -> None:
    assert show_and_report(changed(tmp_path, "nt.metrics.json", change)) == []


def test_control_characters_of_a_file_reach_no_terminal(tmp_path: Path, clcap) -> None:
    def change(content: Any) -> None:
        content["provenance"].update(stage="\x1b[2Jx", command="\x1b]0;title\x07")
        content["metrics"] = {"\x1b[31mred": 1.0}

    path = changed(tmp_path, "nt.metrics.json", change)
    assert "\x1b" not in clcap("show", path).out
    assert "\x1b" not in clcap("report", path, "--text").out


def test_a_comparison_with_wrong_values_is_refused(tmp_path: Path, error_of) -> None:
    path = changed(tmp_path, "comparison.json", lambda content: content.update(comparisons={"first": 1}))
    assert error_of("show", path) == (
        f"{path} is not a complete clcap/comparison file: at the top level: Input should be a valid list"
    )


def test_a_rank_beyond_any_pool_is_refused(tmp_path: Path, error_of) -> None:
    path = Path(shutil.copy(VERSION3 / "nt.retrieval.json", tmp_path))
    content = json.loads(path.read_text())
    content["images"][0]["rank"] = 10**10
    path.write_text(json.dumps(content))
    assert error_of("report", path, "--text") == (
        f"{path} is not a complete retrieval file: at image 19.rank: Input should be less than or equal to 1000000000"
    )
