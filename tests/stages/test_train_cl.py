"""train-cl with all objectives, through the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from clcap_cli.artifacts.cache import _content_id
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.objectives.registry import OBJECTIVES, builtin_objectives
from tests.conftest import CommandResult

pytestmark = pytest.mark.usefixtures("small_discriminator")

Clcap = Callable[..., CommandResult]
ONE_EPOCH = ("--k", 2, "--epochs", 1, "--device", "cpu")


def log(checkpoint: Path) -> list[dict[str, float]]:
    lines = checkpoint.with_suffix(".log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def losses(checkpoint: Path) -> list[float]:
    return [line[name] for line in log(checkpoint) for name in ("loss", "val_loss") if name in line]


@pytest.mark.parametrize("model", ["nt", "aa"])
@pytest.mark.parametrize(("objective", "suffix"), [(name, kind.suffix) for name, kind in builtin_objectives().items()])
def test_every_objective_writes_a_checkpoint_with_its_suffix(
    chain: Path, clcap: Clcap, model: str, objective: str, suffix: str
) -> None:
    arguments = ONE_EPOCH if OBJECTIVES.get(objective).needs_negatives else ONE_EPOCH[2:]
    result = clcap("train-cl", "--ref", chain / f"{model}.pt", "--objective", objective, *arguments)
    made = chain / f"{model}_{suffix}.pt"
    assert (result.status, result.out) == (0, f"{made}\n")
    assert open_checkpoint(made).provenance.settings["objective"] == objective
    assert clcap("self-retrieve", made).status == 0


def test_cached_reference_log_probs_change_no_loss(chain: Path, clcap: Clcap) -> None:
    arguments = ("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH, "--out")
    cache = chain / "nt.reference.h5"
    cache.unlink(missing_ok=True)
    assert clcap(*arguments, chain / "without.pt", "--no-cache").status == 0
    assert not cache.exists()
    first = clcap(*arguments, chain / "first.pt")
    assert "reference's ln p" in first.err or cache.exists()
    before = cache.read_bytes()
    assert clcap(*arguments, chain / "second.pt").status == 0
    assert cache.read_bytes() == before
    assert losses(chain / "first.pt") == losses(chain / "second.pt")
    assert losses(chain / "first.pt") == pytest.approx(losses(chain / "without.pt"), abs=1e-5)
    assert "clcap/reference-log-probs" in clcap("show", cache).out


def test_a_negative_pool_is_scored_once(chain: Path, clcap: Clcap) -> None:
    pooled = ("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH, "--reference-pool", 3, "--out")
    first = clcap(*pooled, chain / "first.pt")
    assert "negative pool: 3 mismatched captions for each of 24 training images" in first.err
    assert "these 72 pairs once, before the first step, unless they are cached" in first.err
    before = (chain / "nt.reference.h5").read_bytes()
    with h5py.File(chain / "nt.reference.h5") as file:
        assert (3, 24) in [values.shape for values in file["arrays"].values()]
    assert clcap(*pooled, chain / "second.pt").status == 0
    assert (chain / "nt.reference.h5").read_bytes() == before
    (chain / "nt.reference.h5").unlink()
    assert clcap(*pooled, chain / "without.pt", "--no-cache").status == 0
    assert not (chain / "nt.reference.h5").exists()
    assert losses(chain / "first.pt") == losses(chain / "second.pt") == losses(chain / "without.pt")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--k", 5, "--reference-pool", 4),
            "4 is less than --k 5, the number of negatives drawn from it; give at least 5",
        ),
        (
            ("--reference-pool", 9, "--fix-negatives"),
            "with --fix-negatives, negatives are drawn and scored only once; give one of the two",
        ),
    ],
)
def test_a_useless_pool_is_refused(usage_error_of: Callable[..., str], options: tuple, problem: str) -> None:
    message = usage_error_of("train-cl", "--ref", "none.pt", *options)
    assert message == f"error: --reference-pool: {problem} (see clcap train-cl --help)"


@pytest.mark.parametrize(("name", "number"), [("nt.reference", float("nan")), ("features.neighbours", 24)])
def test_an_invalid_reference_cache_is_refused(
    chain: Path, clcap: Clcap, error_of: Callable[..., str], name: str, number: float
) -> None:
    arguments = ("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH, "--negatives", "similar", "--out", chain / "out.pt")
    assert clcap(*arguments).status == 0
    with h5py.File(chain / f"{name}.h5", "a") as file:
        arrays = {key: values[:] for key, values in file["arrays"].items()}
        for key, values in arrays.items():
            values[0, 0] = number
            file["arrays"][key][:] = values
        provenance = json.loads(file.attrs["provenance"]) | {"id": _content_id(arrays)}
        file.attrs["provenance"] = json.dumps(provenance)
    assert error_of(*arguments) == f"{chain}/{name}.h5 is damaged; delete it: clcap will compute it again"


def test_a_new_reference_replaces_the_cache_of_the_old(chain: Path, clcap: Clcap) -> None:
    arguments = ("train-cl", "--ref", chain / "ref.pt", *ONE_EPOCH, "--reference-pool", 3, "--out", chain / "out.pt")
    (chain / "ref.pt").write_bytes((chain / "aa.pt").read_bytes())
    assert clcap(*arguments).status == 0
    (chain / "ref.pt").write_bytes((chain / "nt.pt").read_bytes())
    assert clcap(*arguments).status == 0
    assert log(chain / "out.pt")[0]["val_log_ratio_matched"] == pytest.approx(0, abs=1e-5)
    assert log(chain / "out.pt")[1]["log_ratio_mismatched"] == pytest.approx(0, abs=0.1)


def test_swapping_the_reference_removes_its_cache(chain: Path, clcap: Clcap) -> None:
    assert clcap("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH).status == 0
    assert (chain / "nt.reference.h5").exists()
    swap = ("swap-reference", "--ref", chain / "nt.pt", "--candidate", chain / "nt_cl.pt", "--force")
    assert clcap(*swap).status == 0
    assert not (chain / "nt.reference.h5").exists()
    (chain / "nt.reference.h5").write_text("mine")
    assert clcap(*swap).status == 0
    assert (chain / "nt.reference.h5").read_text() == "mine"


@pytest.mark.parametrize("objective", ["contrastive", "introspective"])
def test_similar_images_are_searched_once(chain: Path, clcap: Clcap, objective: str) -> None:
    arguments = ("train-cl", "--ref", chain / "nt.pt", "--objective", objective, "--negatives", "similar", *ONE_EPOCH)
    assert clcap(*arguments).status == 0
    cache = chain / "features.neighbours.h5"
    before = cache.read_bytes()
    with h5py.File(cache) as file:
        (nearest,) = (values[:] for values in file["arrays"].values())
    assert nearest.shape == (24, 20)
    assert all(row not in others for row, others in enumerate(nearest))
    assert clcap(*arguments).status == 0
    assert cache.read_bytes() == before
    assert "clcap/neighbours" in clcap("show", cache).out


def test_the_number_of_avoided_negatives_is_reported(chain: Path, clcap: Clcap) -> None:
    result = clcap("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH)
    assert "rejected and drawn again, because they equal a caption of the image" in result.err


REFERENCED = "contrastive, positives-only, negatives-only, dpo"
MISMATCHED = "contrastive, negatives-only, introspective, adversarial, dpo, simpo"
REDRAWN = "contrastive, negatives-only, introspective, dpo, simpo"
POOLED = "contrastive, negatives-only, dpo"


@pytest.mark.parametrize(
    ("objective", "option", "those"),
    [
        ("contrastive", ("--beta", 0.5), "dpo, simpo"),
        ("dpo", ("--gamma", 0.5), "simpo"),
        ("dpo", ("--nu", 2), "contrastive, positives-only, negatives-only"),
        ("contrastive", ("--discriminator", "nt_gan.discriminator.pt"), "adversarial"),
        ("introspective", ("--no-cache",), REFERENCED),
        ("simpo", ("--ref-features", "features.h5"), REFERENCED),
        ("positives-only", ("--negatives", "similar"), MISMATCHED),
        ("positives-only", ("--k", 3), MISMATCHED),
        ("positives-only", ("--fix-negatives",), REDRAWN),
        ("adversarial", ("--redraw-negatives",), REDRAWN),
        ("positives-only", ("--reference-pool", 9), POOLED),
        ("simpo", ("--reference-pool", 9), POOLED),
        ("introspective", ("--reference-pool", 9), POOLED),
        (
            "adversarial",
            ("--max-tokens", 100),
            "contrastive, positives-only, negatives-only, introspective, dpo, simpo",
        ),
    ],
)
def test_options_of_other_objectives_are_refused(
    clcap: Clcap, objective: str, option: tuple[object, ...], those: str
) -> None:
    result = clcap("train-cl", "--ref", "none.pt", "--objective", objective, *option)
    name = "--redraw-negatives/--fix-negatives" if "fix" in option[0] or "redraw" in option[0] else option[0]
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        f"error: {name}: the objective {objective} does not accept it; these do: {those} (see clcap train-cl --help)\n"
    )


def test_the_weight_of_the_likelihood_is_recorded(chain: Path, clcap: Clcap) -> None:
    learn = ("train-cl", "--ref", chain / "nt.pt", "--objective", "introspective", *ONE_EPOCH)
    assert clcap(*learn, "--mle-weight", 1).status == 0
    assert open_checkpoint(chain / "nt_il.pt").provenance.settings["mle_weight"] == 1


def test_a_negative_weight_of_the_likelihood_is_refused(usage_error_of: Callable[..., str]) -> None:
    message = usage_error_of("train-cl", "--ref", "none.pt", "--mle-weight", -1)
    assert message == "error: --mle-weight: must be greater than or equal to 0, not '-1.0' (see clcap train-cl --help)"


def test_objectives_without_a_reference_write_no_cache(chain: Path, clcap: Clcap) -> None:
    (chain / "nt.reference.h5").unlink()
    assert clcap("train-cl", "--ref", chain / "nt.pt", "--objective", "simpo", *ONE_EPOCH, "--gamma", 0.5).status == 0
    assert not (chain / "nt.reference.h5").exists()
    made = open_checkpoint(chain / "nt_simpo.pt").provenance
    assert made.settings["gamma"] == 0.5
    assert {one.role for one in made.inputs} == {"target", "captions", "features"}


def test_another_file_in_the_place_of_a_cache_is_refused(chain: Path, error_of: Callable[..., str]) -> None:
    path = chain / "nt.reference.h5"
    path.write_text("mine")
    message = error_of("train-cl", "--ref", chain / "nt.pt")
    assert message.startswith(f"{path} is a text file")
    assert message.endswith("if you move or delete it, clcap computes it again")
    assert path.read_text() == "mine"


def test_training_continues_from_a_discriminator_file(chain: Path, clcap: Clcap, error_of: Callable[..., str]) -> None:
    arguments = ("train-cl", "--ref", chain / "nt.pt", "--objective", "adversarial", *ONE_EPOCH)
    first = clcap(*arguments)
    assert first.out == f"{chain / 'nt_gan.pt'}\n"
    assert "discriminator, epoch 1/1" in first.err
    saved = chain / "nt_gan.discriminator.pt"
    assert "clcap/discriminator" in clcap("show", saved).out
    second = clcap(*arguments, "--discriminator", saved, "--out", chain / "more.pt")
    assert second.status == 0
    assert "discriminator, epoch" not in second.err
    assert (chain / "more.discriminator.pt").exists()
    message = error_of(*arguments, "--discriminator", chain / "nt.pt")
    expected = "a discriminator (*.discriminator.pt) of train-cl is expected here"
    assert message == f"{chain / 'nt.pt'} is a checkpoint (*.pt) of train-mle or train-cl; {expected}"


@pytest.mark.parametrize("objective", ["contrastive", "adversarial"])
def test_an_output_that_is_an_input_is_refused_first(chain: Path, error_of: Callable[..., str], objective: str) -> None:
    before = {path: path.read_bytes() for path in chain.glob("nt.*")}
    arguments = ("train-cl", "--ref", chain / "nt.pt", "--objective", objective, *ONE_EPOCH, "--out")
    assert (
        error_of(*arguments, chain / "nt.pt")
        == f"{chain}/nt.pt is an input of this command, so it cannot be overwritten; give another name"
    )
    assert {path: path.read_bytes() for path in chain.glob("nt.*")} == before


def test_overwriting_a_discriminator_is_refused_first(chain: Path, clcap: Clcap, error_of: Callable[..., str]) -> None:
    arguments = ("train-cl", "--ref", chain / "nt.pt", "--objective", "adversarial", *ONE_EPOCH)
    assert clcap(*arguments).status == 0
    discriminator = chain / "nt_gan.discriminator.pt"
    before = (chain / "nt_gan.log.jsonl").read_bytes()
    message = error_of(
        *arguments, "--ref", chain / "nt_gan.pt", "--discriminator", discriminator, "--out", chain / "nt_gan.pt"
    )
    assert message == f"{chain}/nt_gan.pt is an input of this command, so it cannot be overwritten; give another name"
    message = error_of(*arguments, "--discriminator", discriminator)
    assert message == f"{discriminator} is an input of this command, so it cannot be overwritten; give another name"
    assert (chain / "nt_gan.log.jsonl").read_bytes() == before


@pytest.mark.parametrize("objective", ["introspective", "simpo"])
def test_without_a_reference_no_reference_features_are_needed(chain: Path, clcap: Clcap, objective: str) -> None:
    (chain / "elsewhere").mkdir()
    (chain / "aa.pt").rename(chain / "elsewhere" / "aa.pt")  # away from its features
    arguments = (
        "--ref",
        chain / "elsewhere" / "aa.pt",
        "--target",
        chain / "nt.pt",
        "--captions",
        chain / "captions.h5",
    )
    result = clcap("train-cl", *arguments, "--objective", objective, *ONE_EPOCH)
    assert result.status == 0, result.err


def test_an_unwritable_log_is_reported_before_training(chain: Path, error_of: Callable[..., str]) -> None:
    (chain / "new.log.jsonl").mkdir()
    message = error_of("train-cl", "--ref", chain / "nt.pt", *ONE_EPOCH, "--out", chain / "new.pt")
    assert message.startswith(f"{chain}/new.log.jsonl cannot be written: it is a folder")
