"""Words of Japanese captions, found by MeCab with the dictionary IPADIC, as in sacreBLEU."""

from functools import cache, partial
from typing import Any

from clcap_cli.segmentation.scripts import CHINESE_AND_JAPANESE, join_words, split_runs
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import split_words


def split_japanese(caption: str) -> list[str]:
    """Split a caption into words; raises ClcapError if MeCab or its dictionary is not installed."""
    return split_runs(split_words(caption), CHINESE_AND_JAPANESE, lambda run: _mecab().parse(run).split())


@cache
def _mecab() -> Any:
    SEGMENTER.check_packages()
    import ipadic
    import MeCab

    return MeCab.Tagger(f"{ipadic.MECAB_ARGS} -Owakati")


SEGMENTER = Segmenter(
    name="mecab",
    split=split_japanese,
    join=partial(join_words, script=CHINESE_AND_JAPANESE),
    modules=("MeCab", "ipadic"),
)
