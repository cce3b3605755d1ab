"""Which values of two runs are comparable, by the parts of their signatures."""

from dataclasses import replace
from pathlib import Path

import pytest

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import METRICS_KIND, Results
from clcap_cli.artifacts.run_cards import RunCard
from clcap_cli.evaluation.comparability import as_lines, decoding_differences, evaluation_differences
from clcap_cli.evaluation.run_files import RunFiles
from clcap_cli.evaluation.runs import Run, make_run

NAMES = ("R@1", "ROUGE_L", "mean_length", "vocabulary_share_of_references")
SHARED = {"tok": "PTB", "refs": "c1", "images": "2", "split": "test#1", "decoding": "beam 3"}
CHECKPOINT = RunCard(role="checkpoint", id="0123456789abcdef")


def run(reference: str = "a dog", **parts: str) -> Run:
    """A run of two images; ``parts`` replace parts of its signatures."""
    path = Path("run.metrics.json")
    own = {"R@1": {"pool": "10", "ranker": "own model"}, "ROUGE_L": {"beta": "1.2"}}
    signatures = {name: {**keys, **SHARED} for name, keys in own.items()}
    results = Results(
        path=path,
        provenance=Origin("evaluate", {}).make_provenance(METRICS_KIND, "id", path),
        metrics={},
        intervals={},
        signatures={
            name: "|".join(f"{key}:{parts.get(key, value)}" for key, value in keys.items())
            for name, keys in signatures.items()
        },
        not_scored={},
        made_from=[CHECKPOINT],
        images=[{"image_id": id, "caption": "a dog", "references": [reference]} for id in (1, 2)],
    )
    return make_run("run", RunFiles(Path("run"), results))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (run(), set()),
        (run(decoding="sampling, seed 1", images="3", split="test#2"), set()),
        (run(pool="similar 5 of 10"), {"R@1"}),
        (run(ranker="nt#fedcba98"), {"R@1"}),
        (run(ranker="nt#01234567"), set()),
        (run(beta="2"), {"ROUGE_L"}),
        (run(tok="words"), {"ROUGE_L", "mean_length", "vocabulary_share_of_references"}),
        (run(reference="a cat", refs="c2"), {"ROUGE_L", "vocabulary_share_of_references"}),
        (run(reference="a cat"), {"ROUGE_L", "vocabulary_share_of_references"}),
        (run(refs="1-3"), set()),
    ],
)
def test_only_values_that_a_difference_affects_are_apart(other: Run, expected: set[str]) -> None:
    assert set(evaluation_differences(run(), other, NAMES, [1, 2])) == expected
    assert set(evaluation_differences(other, run(), NAMES, [1, 2])) == expected


def test_decoding_is_a_difference_of_the_runs() -> None:
    (found,) = decoding_differences([run(), run(decoding="beam 5")])
    assert (found.setting, found.values) == ("decoding", ["beam 3", "beam 5"])
    assert decoding_differences([run(), run()]) == []


def test_files_from_before_signatures_say_what_to_do() -> None:
    new, old = run(), replace(run(), name="old", signatures={"ROUGE_L": run().signatures["ROUGE_L"]})
    expected = {"R@1": ["old was evaluated before clcap recorded the pool; run clcap evaluate again"]}
    assert evaluation_differences(old, new, NAMES, [1, 2]) == expected
    assert evaluation_differences(new, old, NAMES, [1, 2]) == expected


def test_values_with_the_same_difference_share_a_line() -> None:
    assert as_lines({"R@1": ["pool 2 and 3"], "CIDEr": ["n 4 and 5"], "R@5": ["pool 2 and 3"]}) == [
        "R@1, R@5: pool 2 and 3",
        "CIDEr: n 4 and 5",
    ]
