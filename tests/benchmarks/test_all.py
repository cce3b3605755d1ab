"""Which benchmarks ``tests.benchmarks.all`` runs."""

from importlib.util import find_spec

import pytest

from tests.benchmarks.all import WITH_DEVICE, WITHOUT_DEVICE, parse_arguments, selected


def test_without_only_all_benchmarks_run() -> None:
    names = {name for name, _ in selected(parse_arguments(["--peer", "."]))}
    assert names == {*WITH_DEVICE, *WITHOUT_DEVICE}
    assert all(find_spec(f"tests.benchmarks.{name}") for name in names)


def test_only_the_named_benchmarks_run() -> None:
    runs = selected(parse_arguments(["--only", "files", "beam_search"]))
    assert [name for name, _ in runs] == ["beam_search", "files"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--only", "trainstep"], "invalid choice: 'trainstep'"),
        (["--only", "peer"], "--only peer: add --peer"),
        (["--only", "files", "--device", "cuda"], "evaluation, files, feature_index, start run on the CPU"),
    ],
)
def test_a_benchmark_that_cannot_run_is_an_error(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(line)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
