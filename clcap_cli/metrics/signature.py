"""What a value depends on, in one line, so that values that cannot be compared are not."""

from collections.abc import Mapping, Sequence

from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.ptb_tokenizer import NAME


def shared_signature(predictions: Predictions, **more: str) -> str:
    """What all values of the same predictions share, and ``more``."""
    images = {"refs": _per_image(predictions.references), "images": str(len(predictions.ids))}
    return join_signature({"tok": NAME, **images, **more})


def join_signature(parts: Mapping[str, str], separator: str = "|") -> str:
    """The parts as one text: ``key:value``, separated by ``|``."""
    return separator.join(f"{key}:{value}" for key, value in parts.items())


def split_signature(signature: str) -> dict[str, str]:
    """A signature's parts by key."""
    return {key: value for key, _, value in (part.partition(":") for part in signature.split("|"))}


def _per_image(references: Sequence[Sequence[str]]) -> str:
    """How many references there are: "c5" where every image has five, else the range."""
    sizes = [len(group) for group in references]
    return f"c{sizes[0]}" if min(sizes) == max(sizes) else f"{min(sizes)}-{max(sizes)}"
