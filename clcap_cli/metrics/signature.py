"""What a score depends on, in one line, so that scores that cannot be compared are not."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from clcap_cli import __version__
from clcap_cli.metrics.distinctiveness import SIMILAR
from clcap_cli.metrics.quality import Texts
from clcap_cli.metrics.tokeniser import NAME

SCALES = {"CIDEr": "0-10", "CIDErBtw": "0-10"}
"""Of the scores that do not go from 0 to 1."""


def own_signature(score: str, frequencies: str) -> str:
    """What one score is: ``key:value`` parted by ``|``; ``frequencies`` says where CIDEr's come from."""
    package, ours = f"pycocoevalcap-{version('pycocoevalcap')}", f"clcap-{__version__}"
    own = {
        "BLEU": {"impl": package, "of": "the corpus", "length": "closest"},
        "METEOR": {"impl": f"METEOR-1.5 of {package}", "of": "the corpus", "options": "-l en -norm"},
        "ROUGE_L": {"impl": package, "beta": "1.2"},
        "CIDEr": {"variant": "CIDEr-D", "df": frequencies, "n": "1-4", "sigma": "6", "impl": f"{ours}, as {package}"},
        "SPICE": {"impl": f"SPICE-1.0 of {package}"},
        "CIDErBtw": {"variant": "CIDEr-D", "df": frequencies, "similar": str(SIMILAR), "impl": ours},
    }
    return joined({"scale": SCALES.get(score, "0-1"), **own[score.split("-")[0]]})


def shared_signature(texts: Texts, **more: str) -> str:
    """What all scores of the same texts share, and ``more``."""
    images = {"refs": _per_image(texts.references), "images": str(len(texts.ids))}
    return joined({"tok": NAME, **images, **more})


def joined(parts: Mapping[str, str]) -> str:
    """The parts as one text."""
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def parted(signature: str) -> dict[str, str]:
    """A signature's parts by key."""
    return {key: value for key, _, value in (part.partition(":") for part in signature.split("|"))}


def _per_image(references: Sequence[Sequence[str]]) -> str:
    """How many references there are: "c5" where every image has five, else the range."""
    sizes = [len(group) for group in references]
    return f"c{sizes[0]}" if min(sizes) == max(sizes) else f"{min(sizes)}-{max(sizes)}"
