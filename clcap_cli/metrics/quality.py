"""Caption quality as the field measures it: pycocoevalcap's scores on text tokenised by its PTB tokeniser."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.java import find_java


@dataclass(frozen=True)
class Quality:
    """BLEU-1..4, METEOR and ROUGE_L from 0 to 1, CIDEr from 0 to 10."""

    figures: dict[str, float]
    """Over all images; BLEU is the corpus's, the others are means."""
    images: dict[ImageId, dict[str, float]]
    """Image by image."""


def score_captions(captions: Mapping[ImageId, str], references: Mapping[ImageId, Sequence[str]]) -> Quality:
    """Score one caption an image against what people wrote; ``references`` must have every image of ``captions``.

    Raises ClcapError when the tokeniser or METEOR fail.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    find_java()
    figures: dict[str, float] = {}
    images: dict[ImageId, dict[str, float]] = {id: {} for id in captions}
    wanted = {id: references[id] for id in captions}
    with contextlib.redirect_stdout(io.StringIO()), _java():
        people, machine = _tokenised(wanted), _tokenised({id: [text] for id, text in captions.items()})
        scorers = ((BLEU, Bleu(4)), (("METEOR",), Meteor()), (("ROUGE_L",), Rouge()), (("CIDEr",), Cider()))
        for names, scorer in scorers:
            overall, each = scorer.compute_score(people, machine)
            if len(names) == 1:
                overall, each = [overall], [each]
            for name, value, values in zip(names, overall, each, strict=True):
                figures[name] = float(value)
                for id, one in zip(people, values, strict=True):
                    images[id][name] = float(one)
    return Quality(figures, images)


BLEU = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")


def _tokenised(texts: Mapping[ImageId, Sequence[str]]) -> dict[ImageId, list[str]]:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    lines = {id: [{"caption": _one_line(text)} for text in group] for id, group in texts.items()}
    found = PTBTokenizer().tokenize(lines)
    lost = {id: group[len(found.get(id, [])) :] for id, group in texts.items()}
    if any(character.isalnum() for group in lost.values() for text in group for character in text):
        raise ValueError("the tokeniser stopped early")
    # Empty texts at the very end have no line in its output.
    return {id: found.get(id, []) + [""] * len(lost[id]) for id in texts}


def _one_line(text: str) -> str:
    """The text without what breaks the line protocols of the tokeniser and METEOR."""
    return " ".join(text.replace("|||", " ").split())


@contextlib.contextmanager
def _java() -> Iterator[None]:
    """Keep what Java prints on stderr, and show it only when something failed."""
    with tempfile.TemporaryFile() as heard:
        stderr = os.dup(2)
        try:
            os.dup2(heard.fileno(), 2)
            yield
        except (OSError, ValueError) as error:
            heard.seek(0)
            said = heard.read().decode(errors="replace").strip().splitlines()
            raise ClcapError(
                f"the Java part of the scores failed: {said[-1] if said else error}; 'clcap doctor' tells more"
            ) from error
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
