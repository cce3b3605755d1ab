"""Files are recognised by their content, whatever their names."""

from pathlib import Path

import pytest

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import FORMATS
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS
from clcap_cli.file_kinds.recognition import file_kind, wrong_file_error
from tests.file_kinds.examples import EXAMPLES

OLD_FILES = Path(__file__).parents[1] / "data" / "version3"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_kind_is_recognised_by_its_content(name: str, tmp_path: Path) -> None:
    content, description = EXAMPLES[name]
    (tmp_path / "file").write_bytes(content)
    assert file_kind(tmp_path / "file").description == description


def test_every_kind_of_artifact_has_a_description() -> None:
    assert DESCRIPTIONS.keys() >= FORMATS.keys()


def test_own_files_are_recognised_without_their_libraries() -> None:
    recognised = 0
    for path in OLD_FILES.iterdir():
        try:
            format = read_provenance(path).format
        except ClcapError:
            continue
        if not path.name.endswith(".captions.json"):  # its provenance is in another file
            assert file_kind(path).description in (DESCRIPTIONS[format], DESCRIPTIONS["clcap/evaluator"]), path
            recognised += 1
    assert recognised > 15


def test_an_error_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(EXAMPLES["pointer.h5"][0])
    assert str(wrong_file_error(tmp_path / "x.json", "a caption file")) == (
        f"{tmp_path}/x.json is a Git LFS pointer, not the file itself; a caption file is expected here: get the file "
        "with: git lfs pull"
    )
