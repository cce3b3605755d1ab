"""swap-reference compares two captioners on the same images."""

import json
from collections.abc import Callable
from pathlib import Path

from clcap_cli.artifacts.checkpoints import open_checkpoint
from tests.conftest import CommandResult

Clcap = Callable[..., CommandResult]


def test_both_are_compared_on_images_that_both_have(chain: Path, clcap: Clcap) -> None:
    """A captioner equals itself even if the two features files lack different validation images."""
    validation = json.loads((chain / "scenes" / "captions_val.json").read_text())["images"]
    for name, image in zip(("features_1", "features_2"), validation, strict=False):
        lost = chain / "scenes" / "images" / image["file_name"]
        whole = lost.read_bytes()
        lost.write_bytes(b"no picture")
        made = (
            "extract-features",
            chain / "captions.h5",
            "--images",
            chain / "scenes" / "images",
            "--image-size",
            64,
            "--skip-bad",
        )
        assert clcap(*made, "--out", chain / f"{name}.h5").status == 0
        lost.write_bytes(whole)
    arguments = ("swap-reference", "--ref", chain / "nt.pt", "--candidate", chain / "nt.pt", "--out", chain / "out.pt")
    both = ("--features", chain / "features_1.h5", "--ref-features", chain / "features_2.h5")
    assert clcap(*arguments, *both).status == 0
    compared = open_checkpoint(chain / "out.pt").training["comparison"]
    assert compared["reference"] == compared["candidate"]
    assert clcap(*arguments).status == 0
    assert open_checkpoint(chain / "out.pt").training["comparison"] != compared
