"""Stages called from Python validate like the command line."""

import inspect
from pathlib import Path

import pytest

from clcap_cli.app import STAGES
from clcap_cli.errors import ClcapError
from clcap_cli.stages.caption import caption
from clcap_cli.stages.stage import InvalidValueError, Stage
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle

WRONG = [
    ("epochs", 0, "must be greater than or equal to 1, not '0'"),
    ("epochs", "x", "must be a valid integer, not 'x'"),
    ("lr", -1, "must be greater than or equal to 0, not '-1'"),
    ("optimizer", "sgd", "must be 'adam' or 'adamw', not 'sgd'"),
    ("dropout", 1, "must be less than 1, not '1'"),
    ("seed", -1, "must be greater than or equal to 0, not '-1'"),
    ("threads", 0, "must be greater than or equal to 1, not '0'"),
]


@pytest.mark.parametrize(("name", "value", "reason"), WRONG)
def test_python_and_command_line_refuse_the_same_values(clcap, name: str, value: object, reason: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        train_mle("c.h5", "f.h5", **{name: value})
    assert str(error.value) == f"{name}: {reason}"
    result = clcap("train-mle", "c.h5", "f.h5", f"--{name}={value}")
    assert result.status == 2
    assert result.err == f"error: --{name}: {reason} (see clcap train-mle --help)\n"


def test_paths_may_be_text(chain: Path) -> None:
    small = {"hidden": 8, "embedding": 8, "epochs": 1, "device": "cpu"}
    inputs = str(chain / "captions.h5"), str(chain / "features.h5")
    made = train_mle(*inputs, out=str(chain / "text.pt"), **small)
    assert made == chain / "text.pt"
    assert train_cl(ref=str(made), k=1, epochs=1) == chain / "text_cl.pt"
    assert caption(str(chain / "text_cl.pt"), images=[str(chain / "scenes" / "images")]).exists()


def test_settings_are_keyword_only_and_unknown_ones_refused() -> None:
    with pytest.raises(TypeError, match="epoch"):
        train_mle("c.h5", "f.h5", epoch=3)
    with pytest.raises(TypeError, match="optimisation"):
        train_mle("c.h5", "f.h5", optimisation=3)
    with pytest.raises(TypeError, match="captions"):
        train_mle()


def test_mutually_exclusive_settings_are_refused() -> None:
    with pytest.raises(ClcapError, match="excludes beam search"):
        caption("nt.pt", beam=5, top_p=0.5)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_parameter_has_help_and_a_valid_default(stage: Stage) -> None:
    assert inspect.signature(stage).return_annotation in (Path, Path | None, None)
    for parameter in stage.parameters:
        assert parameter.wording.help.endswith("."), parameter.name
        if not parameter.required:
            assert parameter.checked(parameter.default) == parameter.default, parameter.name
