"""Every segmentation splits captions and joins tokens to captions that it splits in the same way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.errors import ClcapError
from clcap_cli.segmentation.characters import join_characters, split_characters
from clcap_cli.segmentation.registry import SEGMENTERS, open_segmenter, segmenter_from_record
from clcap_cli.segmentation.scripts import CHINESE_AND_JAPANESE, WITHOUT_SPACES, join_words, unsegmented_advice
from tests.tokenizers.subwords import write_bpe, write_wordpiece

CHINESE, JAPANESE = "一个男孩在公园里骑自行车。", "男の子が公園で自転車に乗っている。"
THAI, HINDI = "เด็กผู้ชายกำลังขี่จักรยาน", "एक लड़का साइकिल चला रहा है"


@pytest.mark.parametrize(
    ("name", "caption", "text"),
    [
        ("words", "A dog's bone.", "a dogs bone"),
        ("whitespace", "A dog , 一个 男孩\n", "A dog , 一个 男孩"),
        ("characters", CHINESE, "一 个 男 孩 在 公 园 里 骑 自 行 车"),
        ("characters", HINDI, "ए क ल ड़ का सा इ कि ल च ला र हा है"),
        ("characters", "ที่นี่", "ที่ นี่"),
        ("jieba", CHINESE, "一个 男孩 在 公园 里 骑 自行车"),
        ("mecab", JAPANESE, "男の子 が 公園 で 自転車 に 乗っ て いる"),
        ("thai", THAI, "เด็กผู้ชาย กำลัง ขี่ จักรยาน"),
    ],
)
def test_tokens(name: str, caption: str, text: str) -> None:
    found = open_segmenter(name).text(caption)
    if name == "jieba":
        found = found.replace("一个男孩", "一个 男孩")
    assert found == text


@pytest.mark.parametrize("name", SEGMENTERS.names)
@pytest.mark.parametrize(
    "caption", [CHINESE, JAPANESE, THAI, HINDI, "A red Bus", "一个 red café停在3米", "ร้าน café ใหม่", ""]
)
def test_joined_tokens_split_in_the_same_way(name: str, caption: str) -> None:
    segmenter = open_segmenter(name)
    tokens = segmenter.split(caption)
    assert segmenter.split(segmenter.join(tokens)) == tokens
    assert segmenter.text(segmenter.join(tokens)) == segmenter.text(caption)


@given(st.text())
def test_characters_restore_the_words(caption: str) -> None:
    tokens = split_characters(caption)
    assert split_characters(join_characters(tokens)) == tokens


def test_only_spaces_between_words_with_spaces_are_kept() -> None:
    assert join_words(["一个", "男孩", "和", "a", "red", "bus"], CHINESE_AND_JAPANESE) == "一个男孩和a red bus"
    assert join_words(["スケートボード", "に", "乗る"], CHINESE_AND_JAPANESE) == "スケートボードに乗る"
    assert join_words(["เด็ก", "ขี่", "한", "소년이"], WITHOUT_SPACES) == "เด็กขี่한 소년이"
    assert join_words(["เด็ก", "ขี่", "一个"], r"\p{Thai}") == "เด็กขี่一个"


@pytest.mark.parametrize("write", [write_bpe, write_wordpiece])
def test_a_tokenizer_json_splits_captions(write, tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", ["a red dog runs", "two dogs run"] * 3)
    segmenter = open_segmenter(str(path))
    assert len(segmenter.split("a dog runs")) >= 3
    assert segmenter.join(segmenter.split("a dog runs")) == "a dog runs"
    assert segmenter.signature.startswith("tokenizer.json#")
    path.unlink()
    again = segmenter_from_record(json.loads(json.dumps(segmenter.record())), "a file")
    assert again == segmenter
    assert again.split("two dogs") == segmenter.split("two dogs")


def test_unknown_subwords_stay_different(tmp_path: Path) -> None:
    segmenter = open_segmenter(str(write_wordpiece(tmp_path / "t.json", ["a red dog runs"] * 3)))
    assert segmenter.text("a ☃") != segmenter.text("a ☂")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("jeiba", "unknown segmentation 'jeiba'; did you mean jieba?"),
        ("", "unknown segmentation ''; expected one of: words, characters, whitespace"),
        ("absent.json", "no such file: absent.json"),
    ],
)
def test_unknown_segmentations_are_refused(value: str, message: str, tmp_path: Path, clcap) -> None:
    table = tmp_path / "c.csv"
    table.write_text("image,caption,split\na.jpg,a dog,train\n")
    result = clcap("prepare-captions", table, "--tokenize", value)
    assert result.status in (1, 2)
    assert message in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(("name", "module"), [("jieba", "jieba"), ("mecab", "MeCab"), ("mecab", "ipadic")])
def test_a_missing_library_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ClcapError, match=f"--tokenize {name} needs the package .*: pip install 'clcap.languages.'"):
        open_segmenter(name)


def test_the_libraries_write_no_files(tmp_path: Path) -> None:
    """Jieba would cache its dictionary in the temporary folder, PyThaiNLP make a folder in the home folder."""
    code = (
        "from clcap_cli.segmentation.registry import open_segmenter as o; "
        f"print(o('jieba').text('{CHINESE}'), o('thai').text('{THAI}'))"
    )
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR")}
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1", **places}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("caption", "option"),
    [
        (CHINESE, "--tokenize jieba or --tokenize characters"),
        (JAPANESE, "--tokenize mecab or --tokenize characters"),
        (THAI, "--tokenize thai or --tokenize characters"),
        ("ក្មេងប្រុសជិះកង់", "--tokenize characters"),
        ("ကောင်လေးစက်ဘီးစီးနေသည်", "--tokenize characters"),
    ],
)
def test_long_runs_are_called_unsegmented(caption: str, option: str) -> None:
    advice = unsegmented_advice([caption, "a dog"], "captions")
    assert advice.startswith("1 of 2 captions look unsegmented: long runs of characters without spaces, such as '")
    assert advice.endswith(f"split them with {option}")
    assert unsegmented_advice([caption, *["a dog"] * 20], "captions") == ""


@pytest.mark.parametrize("caption", ["一个 男孩 在 公园", "スケートボード に 乗る", "เด็ก ขี่ จักรยาน", HINDI, "a dog", ""])
def test_segmented_captions_get_no_advice(caption: str) -> None:
    assert unsegmented_advice([caption], "captions") == ""
