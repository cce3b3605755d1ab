"""A file that is made again over an older one names the files that were made from the old one."""

import re
import shutil
from pathlib import Path

import pytest

from clcap_cli.artifacts.outdated import files_from_older_version
from clcap_cli.stages.caption import caption
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.self_retrieve import self_retrieve


@pytest.fixture
def broken(chain: Path) -> Path:
    """The chain with files that nothing can be read from."""
    (chain / "cut.pt").write_bytes((chain / "nt.pt").read_bytes()[:999])
    (chain / "cut.h5").write_bytes((chain / "captions.h5").read_bytes()[:999])
    (chain / "own.json").write_text("[[")
    (chain / "lost.json").symlink_to(chain / "nothing")
    (chain / "folder.h5").mkdir()
    return chain


def prepare(folder: Path, min_count: int) -> Path:
    files = {split: [folder / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    return prepare_captions(**files, out=folder / "captions.h5", min_count=min_count)


def test_files_made_from_the_old_one_are_named(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert files_from_older_version(prepare(broken, min_count=2)) == []
    assert re.search(r"^replaced \S+/captions\.h5 of \d{4}-\d\d-\d\d \d\d:\d\d$", capsys.readouterr().err, re.MULTILINE)
    prepare(broken, min_count=9)
    last = capsys.readouterr().err.splitlines()[-1]
    assert set(last.split("made from the old one: ")[1].split(", ")) <= {
        *("features.h5", "nt.pt", "aa.pt", "tf.pt", "nt.reference.h5", "nt_cl.pt", "…")
    }
    assert set(files_from_older_version(broken / "captions.h5")) == {
        *("features.h5", "nt.pt", "aa.pt", "tf.pt", "nt.reference.h5", "nt_cl.pt")
    }


def test_results_that_are_made_again_are_named_too(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = caption(chain / "nt.pt", device="cpu")
    self_retrieve(chain / "nt.pt", predictions=results, device="cpu")
    assert "replaced" not in capsys.readouterr().err
    caption(chain / "nt.pt", device="cpu", split="val")
    assert capsys.readouterr().err.splitlines()[-1].endswith("; made from the old one: nt.retrieval.json")


def test_a_moved_folder_is_looked_at_where_it_is(chain: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(chain, tmp_path / "moved"))
    prepare(moved, min_count=9)
    assert "nt.pt" in files_from_older_version(moved / "captions.h5")
    assert files_from_older_version(chain / "captions.h5") == []
