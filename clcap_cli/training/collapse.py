"""Warnings about training runs that go wrong, with the numbers and with what to try."""

from collections.abc import Mapping, Sequence

FEW_UNIQUE = 0.1
"""Share of unique captions below which a warning is printed.

Equal captions rank all images alike, so at most one of them finds its own image first: R@1 is at most this share.
"""
VALIDATIONS = 3
"""Number of validations without improvement after which a warning is printed."""
Log = Sequence[Mapping[str, float]]


def warnings_of(log: Log, is_finished: bool = False) -> dict[str, str]:
    """The warnings after the last validation of ``log``, by the name of the symptom.

    The first validation is that of the initial model; ``is_finished`` tells that no other will follow.
    """
    messages = {"unique": _few_unique(log, is_finished), "empty": _empty(log), "loss": _loss_above_start(log)}
    return {name: message for name, message in messages.items() if message}


def _few_unique(log: Log, is_finished: bool) -> str:
    """Warn if few captions are unique: after there were more, if their share does not grow, or at the end."""
    shares = [record["val_unique_share"] for record in log if "val_unique_share" in record]
    trained = shares[1:][-VALIDATIONS:]
    if not trained or trained[-1] >= FEW_UNIQUE:
        return ""
    found = f"only {trained[-1]:.1%} of the validation sample's captions are unique"
    why = (
        f"the limit is {FEW_UNIQUE:.0%}, because equal captions rank all images alike, so that R@1 cannot exceed this "
        "share"
    )
    if max(shares) >= FEW_UNIQUE:
        return f"{found}, down from {max(shares):.1%}; {why}; try a smaller --lr or fewer epochs"
    if is_finished or (len(trained) == VALIDATIONS and trained[-1] <= trained[0]):
        return f"{found}; {why}; try another --lr or more epochs"
    return ""


def _empty(log: Log) -> str:
    share = log[-1].get("val_empty_share", 0.0) if len(log) > 1 else 0.0
    if not share:
        return ""
    return (
        f"{share:.1%} of the validation sample's captions are empty, because the model's first token is the end token; "
        "try a smaller --lr, or set --min-words when captioning"
    )


def _loss_above_start(log: Log) -> str:
    losses = [record["val_loss"] for record in log if "val_loss" in record]
    if len(losses) <= VALIDATIONS or min(losses[1:]) < losses[0]:
        return ""
    return (
        f"the validation loss has not fallen below its first value, {losses[0]:.4f}, in {len(losses) - 1} validations; "
        f"the lowest is {min(losses[1:]):.4f}; try a smaller --lr"
    )
