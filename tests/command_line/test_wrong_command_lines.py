"""An invalid command line gives status 2 and one line with a suggestion and a pointer to the help."""

from collections.abc import Callable

import pytest

Wrong = Callable[..., str]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("trian-mle",), "unknown stage 'trian-mle'; did you mean train-mle"),
        (("--verison",), "unknown option --verison; did you mean --version or --verbose? (see clcap --help)"),
        (("train-mle", "--epoch", 3), "unknown option --epoch; did you mean --epochs? (see clcap train-mle --help)"),
        (("train-mle", "--frobnicate"), "unknown option --frobnicate (see clcap train-mle --help)"),
        (("train-mle", "--epochs"), "--epochs needs a value (see clcap train-mle --help)"),
        (("train-mle", "--out", "--quiet"), "--out needs a value (see clcap train-mle --help)"),
        (("show", "a", "b"), "got unexpected extra argument(s) (b) (see clcap show --help)"),
        (("show", "-x"), "no such option: -x (see clcap show --help)"),
        (("show",), "missing FILE; usage: clcap show FILE [OPTIONS] (see clcap show --help)"),
        (("train-cl",), "missing --ref; usage: clcap train-cl --ref FILE [OPTIONS] (see clcap train-cl --help)"),
        (
            ("train-mle", "c", "f", "--model", "tranformer"),
            "--model: unknown model 'tranformer'; did you mean transformer?",
        ),
        (
            ("train-cl", "--ref", "r", "--objective", "simp"),
            "--objective: unknown objective 'simp'; did you mean simpo?",
        ),
        (
            ("train-mle", "c", "f", "--schedule", "cosin"),
            "--schedule: must be 'cosine', 'cosine-by-epoch' or 'constant'",
        ),
        (("train-mle", "c", "f", "--lr", "nan"), "--lr: must be a finite number, not 'nan' (see"),
        (("train-mle", "c", "f", "--lr", "1e999"), "--lr: must be a finite number, not '1e999' (see"),
        (("train-cl", "--ref", "r", "--beta=-inf"), "--beta: must be a finite number, not '-inf' (see"),
        (("train-mle", "c", "f", "--out", ""), "--out: the name is empty; give the name of a file or folder (see"),
        (("caption", "nt.pt", "--images", ""), "--images: the name is empty; give the name of a file or folder"),
        (("show", ""), "FILE: the name is empty; give the name of a file or folder (see"),
        (("evaluate", "r", "--metrics", "CIDR"), "--metrics: unknown metric 'CIDR'; did you mean CIDEr"),
        (("caption", "nt.pt", "--beam", 2, "--top-k", 3), "--beam: sampling (--top-p, --top-k, "),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(usage_error_of: Wrong, words: tuple[object, ...], message: str) -> None:
    assert usage_error_of(*words).startswith(f"error: {message}")


def test_a_value_may_look_like_an_option(error_of: Wrong) -> None:
    assert error_of("show", "--config=--quiet") == "no such file: --quiet"


HUGE = "1" + "0" * 400
LIMITED = {
    ("make-scenes", "scenes", "--train"): "100000",
    ("prepare-captions", "a.json", "--max-length"): "1000",
    ("extract-features", "captions.h5", "--images", ".", "--image-size"): "4096",
    ("extract-features", "captions.h5", "--images", ".", "--threads"): "1024",
    ("extract-features", "captions.h5", "--images", ".", "--max-pixels"): "4294967296",
    ("train-cl", "--ref", "nt.pt", "--reference-pool"): "1000",
    ("caption", "nt.pt", "--beam"): "1000",
    ("caption", "nt.pt", "--max-words"): "1000",
    ("caption", "nt.pt", "--num-captions"): "1000",
}


@pytest.mark.parametrize("command", LIMITED)
@pytest.mark.parametrize("value", ["2000000000000", HUGE])
def test_huge_values_are_refused_with_the_limit(command: tuple[str, ...], value: str, usage_error_of) -> None:
    message = usage_error_of(*command, value)
    assert message.startswith(f"error: {command[-1]}: must be less than or equal to {LIMITED[command]}, not ")


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (("caption", "nt.pt", "--temperature", "1e-30"), "greater than or equal to 0.000001"),
        (("caption", "nt.pt", "--top-p", "1e-50"), "greater than or equal to 0.000001"),
        (("train-mle", "c.h5", "f.h5", "--clip", "1e300"), "less than or equal to 1000000000"),
        (("train-mle", "c.h5", "f.h5", "--clip-norm", "1e-300"), "greater than or equal to 0.000000001"),
        (("train-mle", "c.h5", "f.h5", "--weight-decay", "1e300"), "less than or equal to 1000"),
    ],
)
def test_numbers_that_single_precision_cannot_hold(words: tuple[str, ...], limit: str, usage_error_of) -> None:
    assert usage_error_of(*words).startswith(f"error: {words[-2]}: must be {limit}")


def test_integers_of_more_than_64_bits_are_refused(usage_error_of) -> None:
    assert usage_error_of("train-mle", "captions.h5", "features.h5", "--epochs", HUGE).startswith(
        "error: --epochs: must be between -18446744073709551615 and 18446744073709551615 (see"
    )
