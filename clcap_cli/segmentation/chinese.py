"""Words of Chinese captions, found by jieba."""

import warnings
from functools import cache, partial
from typing import Any

from clcap_cli.segmentation.scripts import CHINESE_AND_JAPANESE, join_words, split_runs
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import split_words


def split_chinese(caption: str) -> list[str]:
    """Split a caption into words; raises ClcapError if jieba is not installed."""
    return split_runs(split_words(caption), CHINESE_AND_JAPANESE, _jieba().cut)


@cache
def _jieba() -> Any:
    SEGMENTER.check_packages()
    import jieba

    tokenizer = jieba.Tokenizer()
    # jieba.initialize would store the dictionary in a file of the shared temporary folder, and read it from there.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba leaves a file open
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


SEGMENTER = Segmenter(
    name="jieba", split=split_chinese, join=partial(join_words, script=CHINESE_AND_JAPANESE), modules=("jieba",)
)
