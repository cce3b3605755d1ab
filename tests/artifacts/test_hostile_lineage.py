"""Records of inputs that another person wrote are followed only where they can do no harm."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from clcap_cli.artifacts.lineage import RecordedArtifact, find_input, read_provenance
from clcap_cli.artifacts.outdated import files_from_older_version
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.run_cards import MAX_CARDS, collect_run_cards
from clcap_cli.errors import ClcapError
from clcap_cli.features.recorded_folders import recorded_image_folders
from clcap_cli.stages import show_chain

VERSION3 = Path(__file__).parents[1] / "data" / "version3"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of nt.metrics.json, in a folder of its own."""
    (tmp_path / "own").mkdir()
    return Path(shutil.copy(VERSION3 / "nt.metrics.json", tmp_path / "own"))


def record(path: Path, inputs: list[dict[str, Any]]) -> None:
    """Replace the inputs that the file at ``path`` records."""
    content = json.loads(path.read_text())
    content["provenance"]["inputs"] = inputs
    path.write_text(json.dumps(content))


def input_at(path: str, role: str = "captions") -> dict[str, str]:
    return {"role": role, "path": path, "id": "0" * 16}


def test_many_inputs_are_counted_and_not_all_listed(results: Path, clcap) -> None:
    record(results, [input_at(f"missing{number}.h5") for number in range(20_000)])
    lines = clcap("show", results).out.splitlines()
    assert len(lines) < 100
    assert lines[-1] == "└── … and 19,950 more inputs"
    assert lines[-2] == "├── captions: missing49.h5  (not there now)"


def test_a_chain_of_many_files_ends(results: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_chain, "MAX_FILES", 10)
    own_id = read_provenance(results).id
    for number in range(20):
        shutil.copy(results, results.with_name(f"{number}.metrics.json"))
    for number in range(20):
        following = [{"role": "metrics", "path": f"{number + 1}.metrics.json", "id": own_id}]
        record(results.with_name(f"{number}.metrics.json"), following)
    lines = clcap("show", results.with_name("0.metrics.json")).out.splitlines()
    assert lines[-1].strip() == "└── … and 1 more inputs"
    assert "10.metrics.json" in lines[-2]


def test_a_file_that_is_its_own_input(results: Path, clcap) -> None:
    own = {"role": "metrics", "path": results.name, "id": read_provenance(results).id}
    record(results, [own, own])
    assert clcap("show", results).out.splitlines()[-1] == f"└── metrics: {results.name}  (see above)"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{up}dev/zero", "{up}proc/self/mem", "{up}proc/kmsg", "{up}", "a\0b", "a\ud800b"]
)
def test_paths_that_clcap_never_records_are_not_followed(results: Path, clcap, path: str) -> None:
    path = path.format(up="../" * 30)
    record(results, [input_at(path)])
    assert clcap("show", results).out.splitlines()[-1].endswith("  (not followed)")
    with pytest.raises(ClcapError) as error:
        find_input(RecordedArtifact(results, read_provenance(results)), "captions", None, "--captions")
    assert str(error.value) == (
        f"{results} records '{path}' as the path of its captions, which clcap does not follow: it records paths "
        "relative to the file; give the file with --captions"
    )


def test_a_link_to_a_device_is_not_followed(results: Path, clcap) -> None:
    results.with_name("captions.h5").symlink_to("/dev/zero")
    record(results, [input_at("captions.h5")])
    assert clcap("show", results).out.splitlines()[-1].endswith("captions.h5  (not followed)")


def test_a_pipe_is_not_waited_for(results: Path, clcap) -> None:
    os.mkfifo(results.with_name("captions.h5"))
    record(results, [input_at("captions.h5")])
    assert clcap("show", results).out.splitlines()[-1].endswith("captions.h5  (cannot be read)")


def test_links_in_a_circle_are_harmless(results: Path, clcap) -> None:
    results.with_name("captions.h5").symlink_to("captions.h5")
    record(results, [input_at("captions.h5")])
    assert clcap("show", results).status == 0
    assert files_from_older_version(results) == []


def test_large_inputs_are_not_read_to_be_compared(results: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_chain, "MAX_BYTES", 5)
    monkeypatch.setattr(show_chain, "MAX_FOLDER_FILES", 1)
    results.with_name("small").write_bytes(b"four")
    results.with_name("large").write_bytes(b"more than five")
    record(results, [input_at(name, "training") for name in ("small", "large", "..")])
    assert [line.split("  ")[1] for line in clcap("show", results).out.splitlines()[-3:]] == [
        "(changed since)",
        "(too large to be compared)",
        "(too large to be compared)",
    ]


def test_run_cards_are_bounded(results: Path, capsys: pytest.CaptureFixture) -> None:
    record(results, [{**input_at(f"{number}.h5"), "id": f"{number:016}"} for number in range(20_000)])
    origin = Origin("evaluate", {}, [("results", results, read_provenance(results).id)])
    assert len(collect_run_cards(origin)) == MAX_CARDS
    assert capsys.readouterr().err == (
        "warning: the results record 1000 of the files that they were made from; others are left out\n"
    )


def test_recorded_image_folders_are_never_the_whole_machine(tmp_path: Path) -> None:
    import h5py

    path = Path(shutil.copy(VERSION3 / "features.h5", tmp_path / "features.h5"))
    (tmp_path / "images").mkdir()
    with h5py.File(path, "a") as file:
        provenance = json.loads(file.attrs["provenance"])
        provenance["settings"] |= {"images": ["/", "/proc", "x" * 5000, "a\0b", "images", 5], "out": "features.h5"}
        file.attrs["provenance"] = json.dumps(provenance)
    assert recorded_image_folders(path) == [tmp_path / "images"]
