"""Packages add segmentations through the entry points ``clcap.segmenters``."""

from pathlib import Path

import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.segmentation import registry
from tests.test_registry import install

MODULE = """
from clcap_cli.segmentation.segmenter import Segmenter
syllables = Segmenter("syllables", split=lambda caption: caption.split("-"), join="-".join, unit="syllables")
wrong = 3
"""


@pytest.fixture
def table(tmp_path: Path, install_packages) -> Path:
    packages = tmp_path / "packages"
    install(
        packages, "other", "clcap.segmenters", "syllables = other_syllables:syllables", "bad = other_syllables:wrong"
    )
    (packages / "other_syllables.py").write_text(MODULE)
    install_packages(packages)
    assert "syllables" in registry.SEGMENTERS.names
    (tmp_path / "c.csv").write_text("image,caption,split\na.jpg,ba-na-na,train\nb.jpg,na-ba,val\n")
    return tmp_path / "c.csv"


def test_a_package_adds_a_segmentation(table: Path, clcap, tmp_path: Path) -> None:
    out = tmp_path / "c.h5"
    result = clcap("prepare-captions", table, "--min-count", 1, "--tokenize", "syllables", "--out", out)
    assert result.status == 0
    assert "val: 1 image, 1 caption, 2 syllables (0.0% unknown)" in result.err
    tokenizer = open_captions(out).tokenizer
    assert tokenizer.words == ["na", "ba"]
    assert tokenizer.decode(tokenizer.encode("ba-na")) == "ba-na"


def test_an_object_that_is_no_segmenter_is_refused(table: Path, error_of) -> None:
    assert error_of("prepare-captions", table, "--tokenize", "bad") == (
        "the segmentation 'bad' of an installed package is not a clcap Segmenter of that name"
    )
