"""Words of Thai captions, found by PyThaiNLP's dictionary-based algorithm newmm."""

from collections.abc import Callable
from functools import cache, partial

from clcap_cli.segmentation.scripts import THAI, join_words, split_runs
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import split_words


def split_thai(caption: str) -> list[str]:
    """Split a caption into words; raises ClcapError if PyThaiNLP is not installed."""
    return split_runs(split_words(caption), THAI, _newmm())


@cache
def _newmm() -> Callable[[str], list[str]]:
    SEGMENTER.check_packages()
    from pythainlp.tokenize import word_tokenize

    return word_tokenize


SEGMENTER = Segmenter(name="thai", split=split_thai, join=partial(join_words, script=THAI), modules=("pythainlp",))
