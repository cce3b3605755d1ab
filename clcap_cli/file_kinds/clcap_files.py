"""The kinds of files that clcap writes, in words for messages."""

import re

DESCRIPTIONS = {
    "clcap/captions": "a captions file (*.h5) of prepare-captions",
    "clcap/features": "a features file (*.h5) of extract-features or import-features",
    "clcap/checkpoint": "a checkpoint (*.pt) of train-mle or train-cl",
    "clcap/discriminator": "a discriminator (*.discriminator.pt) of train-cl",
    "clcap/evaluator": "a discriminator (*.evaluator.pt) of an earlier train-cl",
    "clcap/caption-results": "a file of captions of caption or leave-one-out",
    "clcap/attention": "an attention file (*.attention.h5) of caption --attention",
    "clcap/retrieval": "a retrieval file (*.retrieval.json) of self-retrieve",
    "clcap/log-probs": "a matrix of log-probabilities of self-retrieve --full-matrix",
    "clcap/metrics": "a metrics file (*.metrics.json) of evaluate",
    "clcap/comparison": "a comparison of compare --out",
    "clcap/export": "the record of a folder of export-captioner",
    "clcap/references": "a file of references of leave-one-out",
    "clcap/neighbours": "a cache of nearest neighbours of train-cl",
    "clcap/reference-log-probs": "a cache of the reference's log-probabilities of train-cl",
    "clcap/tokens": "a cache of encoded captions of train-mle",
    "clcap/partial-features": "the record of an unfinished extract-features",
    "clcap/partial-ranks": "the counts of an unfinished self-retrieve",
    "clcap/train-state": "the saved state of a training run (*.state.pt)",
}
"""Description of each kind of artifact, by the name of its format."""
_FORMAT = re.compile("|".join(sorted(DESCRIPTIONS, reverse=True)).encode())


def description_of(format: str) -> str:
    """A noun phrase for an artifact's kind, such as "a captions file (*.h5) of prepare-captions"."""
    return DESCRIPTIONS.get(format, f"a {format} file")


def format_in(content: bytes) -> str | None:
    """The name of the first artifact's format that is written in ``content``, a part of a file."""
    found = _FORMAT.search(content)
    return found[0].decode() if found else None
