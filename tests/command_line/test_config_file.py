"""Options from a file: --config reads what --print-config writes; the command line takes precedence."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from clcap_cli.app import STAGES
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.command_line.description import is_hidden, is_list, names_of
from clcap_cli.command_line.renamed import RENAMED
from clcap_cli.stages.stage import Stage
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training.run_settings import RunSettings
from tests.conftest import CommandResult

Run = Callable[..., CommandResult]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def printed(clcap: Run, *words: object) -> dict:
    result = clcap(*words, "--print-config")
    assert (result.status, result.err) == (0, "")
    return yaml.safe_load(result.out)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_printed_configuration_can_be_read(clcap: Run, config: Path, stage: Stage) -> None:
    needed = {one.name: ["x.pt"] if is_list(one) else "x.pt" for one in stage.parameters if one.required}
    if stage.name == "train-mle":
        needed["features"] = "x.h5"  # or images
    config.write_text(yaml.safe_dump(needed))
    result = clcap(stage.name, "--config", config, "--print-config")
    assert result.status == 0, result.err
    assert yaml.safe_load(result.out).keys() == {one.name for one in stage.parameters if not is_hidden(one)}
    config.write_text(result.out)
    assert clcap(stage.name, "--config", config, "--print-config").out == result.out


def test_command_line_overrides_file_overrides_default(clcap: Run, config: Path) -> None:
    config.write_text("captions: c.h5\nfeatures: f.h5\nepochs: 7\nbatch-size: 3\nlr: 1e-2\n")
    options = printed(clcap, "train-mle", "--config", config, "--epochs", 30)
    assert {"captions": "c.h5", "epochs": 30, "batch_size": 3, "lr": 0.01, "patience": 5}.items() <= options.items()


def test_null_lists_and_flags_are_read(clcap: Run, config: Path) -> None:
    config.write_text("max_tokens: null\nmodel_option: [layers=1, heads=2]\nthreads: null\n")
    options = printed(clcap, "train-mle", "c.h5", "f.h5", "--config", config)
    assert (options["max_tokens"], options["model_option"], options["threads"]) == (None, ["layers=1", "heads=2"], None)
    options = printed(clcap, "train-mle", "c.h5", "f.h5", "--config", config, "--model-option", "layers=3", "--clip", 1)
    assert (options["clip"], options["max_tokens"], options["model_option"]) == (1, None, ["layers=3"])
    config.write_text("redraw_negatives: false\nno-cache: true\n")
    options = printed(clcap, "train-cl", "--ref", "nt.pt", "--config", config)
    assert (options["redraw_negatives"], options["no_cache"]) == (False, True)
    assert printed(clcap, "train-cl", "--ref", "n.pt", "--config", config, "--redraw-negatives")["redraw_negatives"]


def test_an_empty_file_changes_nothing(clcap: Run, config: Path) -> None:
    config.write_text("# nothing\n")
    arguments = ["train-mle", "c.h5", "f.h5"]
    assert printed(clcap, *arguments, "--config", config) == printed(clcap, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch: 3", "unknown option epoch; did you mean epochs"),
        ("config: a.yaml", "unknown option config"),
        ("epochs: many", "epochs: must be a valid integer, not 'many'"),
        ("epochs: 2.5", "epochs: must be a valid integer, got a number with a fractional part, not '2.5'"),
        ("epochs: true", "epochs: must not be true"),
        ("epochs: 0", "epochs: must be greater than or equal to 1, not '0'"),
        ("epochs: null", "epochs: must be a valid integer"),
        ("epochs: [3]", "epochs: must be a valid integer"),
        ("lr: .nan", "lr: must be a finite number, not 'nan'"),
        ("model-option: layers=1", "model_option: must be a valid list"),
        ("optimizer: sgd", "optimizer: must be 'adam' or 'adamw'"),
        ("tokenizer: {a: 1}", "tokenizer: is not a valid path"),
    ],
)
def test_invalid_options_in_a_file_are_refused(
    usage_error_of: Callable[..., str], config: Path, content: str, message: str
) -> None:
    config.write_text(content)
    actual = usage_error_of("train-mle", "c.h5", "f.h5", "--config", config)
    assert actual.startswith(f"error: {config}: {message}")
    assert actual.endswith("(see clcap train-mle --help)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- epochs", "{file} is a text file that starts with '- epochs'; a YAML file with one option a line, such as "),
        ("3: 4", "{file} has '3' where the name of an option is expected, such as 'epochs: 10'"),
        ("epochs: 1\nepochs: 2", "{file} has the option 'epochs' twice; give it once"),
        ("batch_size: 1\nbatch-size: 2", "{file} has the option 'batch_size' twice; give it once"),
        ("a: [", "{file} is not valid YAML: "),
        (f"a: {'[' * 3000}", "{file} has more than 200 opening brackets; a YAML file with one option a line, such as "),
        ("epochs: !!python/object/apply:os.getcwd []", "{file} is not valid YAML: could not determine a constructor"),
    ],
)
def test_files_without_options_are_refused(
    error_of: Callable[..., str], config: Path, content: str, message: str
) -> None:
    config.write_text(content)
    assert error_of("train-mle", "c.h5", "f.h5", "--config", config).startswith(message.format(file=config))


def test_a_missing_configuration_file_is_reported(error_of: Callable[..., str], config: Path) -> None:
    assert error_of("train-mle", "c.h5", "f.h5", "--config", config) == f"no such file: {config}"


def test_what_is_required_is_not_needed_to_print_the_rest(clcap: Run, config: Path) -> None:
    result = clcap("train-mle", "--print-config", "--epochs", 3)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("# captions: (required)\nfeatures: null\n")
    config.write_text(result.out)
    assert printed(clcap, "train-mle", "c.h5", "f.h5", "--config", config)["epochs"] == 3


def test_only_one_file_is_taken(usage_error_of: Callable[..., str], config: Path) -> None:
    message = usage_error_of("train-mle", "--config", config, f"--config={config}")
    assert message == "error: --config is given 2 times; give one file (see clcap train-mle --help)"


@pytest.mark.parametrize(
    ("stage", "old", "new"), [(stage, *names) for stage, renamed in RENAMED.items() for names in renamed.items()]
)
def test_an_old_name_is_refused_with_the_new_one(
    usage_error_of: Callable[..., str], config: Path, stage: str, old: str, new: str
) -> None:
    config.write_text(f"{old}: x")
    help = f"(see clcap {stage} --help)"
    assert usage_error_of(stage, "--config", config) == f"error: {config}: {old} is now called {new} {help}"
    typed, name = (f"--{word.replace('_', '-')}" for word in (old, new))
    known = {
        one
        for stage_ in STAGES
        if stage_.name == stage
        for parameter in stage_.parameters
        for one in names_of(parameter)
    }
    if name in known:
        assert usage_error_of(stage, typed, "x") == f"error: {typed} is now called {name} {help}"


def test_a_required_option_that_is_missing_is_reported(usage_error_of: Callable[..., str], config: Path) -> None:
    config.write_text("epochs: 3")
    assert usage_error_of("train-mle", "--config", config) == (
        "error: missing CAPTIONS; usage: clcap train-mle CAPTIONS [FEATURES] [OPTIONS] (see clcap train-mle --help)"
    )
    config.write_text("captions: null")
    assert f"{config}: captions: is not a valid path" in usage_error_of("train-mle", "--config", config)


def test_mutually_exclusive_options_are_not_printed(usage_error_of: Callable[..., str]) -> None:
    message = usage_error_of("caption", "nt.pt", "--beam", 5, "--top-p", 0.9, "--print-config")
    assert "--beam: sampling (--top-p, --top-k, --temperature) excludes beam search" in message


def test_a_run_can_be_repeated_from_its_configuration(chain: Path, clcap: Run, config: Path) -> None:
    arguments = [
        "train-mle",
        chain / "captions.h5",
        chain / "features.h5",
        "--hidden",
        8,
        "--epochs",
        1,
        "--clip-norm",
        1,
    ]
    config.write_text(clcap(*arguments, "--out", chain / "one.pt", "--print-config").out)
    assert not (chain / "one.pt").exists()
    for again in (["train-mle", "--config", config], [*arguments, "--out", chain / "two.pt"]):
        assert clcap(*again).status == 0
    one, two = (torch.load(chain / name, weights_only=True)["provenance"] for name in ("one.pt", "two.pt"))
    assert one["id"] == two["id"]


def test_artifacts_store_the_resolved_options(chain: Path, clcap: Run, config: Path) -> None:
    config.write_text("hidden: 8\nmodel_option: [image_relu=false]\nclip: null\n")
    arguments = ["train-mle", chain / "captions.h5", chain / "features.h5", "--config", config, "--epochs", 1]
    arguments += ["--out", chain / "one.pt"]
    resolved = printed(clcap, *arguments)
    assert clcap(*arguments).status == 0
    stored = open_checkpoint(chain / "one.pt").provenance.settings
    measured = {"precision", "threads", "model"}
    expected = resolved.keys() - measured - RunSettings.__dataclass_fields__.keys()
    assert {name: value for name, value in stored.items() if name not in measured} == {
        name: resolved[name] for name in expected
    }
    assert stored["model"] == "neuraltalk2"
    assert stored["precision"] in ("fp32", "bf16")
    assert stored["threads"] >= 1
    options = {**resolved, "out": chain / "two.pt"}
    train_mle(**options)
    again = open_checkpoint(chain / "two.pt").provenance
    assert {**again.settings, "out": str(chain / "one.pt")} == stored
