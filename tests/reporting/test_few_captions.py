"""Reports warn of runs that give most images the same few captions."""

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.few_captions import few_captions_warnings
from tests.reporting.conftest import image


def test_runs_with_few_captions_are_named(write) -> None:
    generic = write("generic.metrics.json", [image(id, "a man") for id in range(30)])
    distinct = write("distinct.metrics.json", [image(id, f"a man {id % 3}") for id in range(30)])
    assert few_captions_warnings(open_runs([generic, distinct])) == [
        "Few different captions: generic 1 in 30 images; equal captions rank all images alike, so R@1 cannot exceed "
        "the share of different captions."
    ]
