"""A training run that collapses prints one warning for each symptom."""

from pathlib import Path

import pytest

from clcap_cli.training.collapse import warnings_of
from tests.training.running import train
from tests.training.test_loop import settings
from tests.training.test_report import Validated


def log(name: str, *values: float) -> list[dict[str, float]]:
    return [{name: value} for value in values]


def test_captions_that_become_equal_give_a_warning_at_once() -> None:
    assert warnings_of(log("val_unique_share", 0.6, 0.095)) == {
        "unique": "only 9.5% of the validation sample's captions are unique, down from 60.0%; the limit is 10%, "
        "because equal captions rank all images alike, so that R@1 cannot exceed this share; try a smaller --lr or "
        "fewer epochs"
    }


def test_captions_that_stay_equal_give_a_warning_later() -> None:
    assert warnings_of(log("val_unique_share", 0.01, 0.01, 0.01)) == {}
    at_the_end = warnings_of(log("val_unique_share", 0.01, 0.02), is_finished=True)
    messages = warnings_of(log("val_unique_share", 0.01, 0.02, 0.01, 0.02))
    assert at_the_end == messages
    assert messages["unique"].startswith("only 2.0% of the validation sample's captions are unique; the limit is 10%")
    assert messages["unique"].endswith("try another --lr or more epochs")


@pytest.mark.parametrize("shares", [(0.01, 0.02, 0.03, 0.04), (0.6, 0.1), (0.05,)])
def test_captions_that_differ_more_and_more_are_fine(shares: tuple[float, ...]) -> None:
    assert warnings_of(log("val_unique_share", *shares)) == {}


def test_empty_captions_give_a_warning() -> None:
    assert warnings_of(log("val_empty_share", 1.0, 0.0)) == warnings_of(log("val_empty_share", 1.0)) == {}
    assert warnings_of(log("val_empty_share", 0.0, 0.035))["empty"].startswith(
        "3.5% of the validation sample's captions are empty"
    )


def test_a_loss_that_does_not_fall_gives_a_warning() -> None:
    assert warnings_of(log("val_loss", 1.3863, 1.5, 1.45, 1.3862)) == {}
    assert warnings_of(log("val_loss", 1.3863, 1.5, 1.45)) == {}
    assert warnings_of(log("val_loss", 1.3863, 1.5, 1.45, 1.3863)) == {
        "loss": "the validation loss has not fallen below its first value, 1.3863, in 3 validations; "
        "the lowest is 1.3863; try a smaller --lr"
    }


def test_each_symptom_gives_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sick = {"val_loss": 2.0, "val_unique_share": 0.01, "val_empty_share": 0.5}
    train(Validated([sick] * 7), settings(epochs=6), tmp_path / "log.jsonl")
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert [" ".join(line.split()[1:4]) for line in warnings] == [
        "50.0% of the",
        "only 1.0% of",
        "the validation loss",
    ]
