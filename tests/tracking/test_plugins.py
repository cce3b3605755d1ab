"""Packages add trackers through the entry points ``clcap.trackers``."""

import json
from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from tests.test_registry import install
from tests.tracking.training import log_of, train

MODULE = """
import json
from clcap_cli.tracking.tracker import Tracker

class Lines(Tracker):
    def update(self, log):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log.json").write_text(json.dumps(log))

    def end(self, is_finished):
        (self.folder / "finished").touch()
"""


@pytest.fixture
def installed(tmp_path: Path, install_packages) -> None:
    packages = tmp_path / "packages"
    install(packages, "other", "clcap.trackers", "lines = other_lines:Lines", "bad = json:loads")
    (packages / "other_lines.py").write_text(MODULE)
    install_packages(packages)


@pytest.mark.usefixtures("installed")
def test_a_package_adds_a_tracker(chain: Path) -> None:
    out = train(chain, track="lines")
    assert (chain / "x.lines" / "finished").exists()
    log = json.loads((chain / "x.lines" / "log.json").read_text())
    assert {record["step"]: record["val_loss"] for record in log} == log_of(out)["val_loss"]


@pytest.mark.usefixtures("installed")
def test_an_object_that_is_no_tracker_is_refused(chain: Path) -> None:
    with pytest.raises(ClcapError, match=r"the tracker 'bad' .* is not a class derived from Tracker$"):
        train(chain, track="bad")
