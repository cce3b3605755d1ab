"""An output replaces an older file of its own kind, and no file of another kind."""

from pathlib import Path

import pytest

from clcap_cli.app import STAGES
from clcap_cli.artifacts.preconditions import OutputFile
from clcap_cli.artifacts.replaceable import check_replaceable
from clcap_cli.errors import ClcapError

FILES = Path(__file__).parents[1] / "data" / "version3"
OUTPUTS = {
    f"{stage.name} --{one.name}": mark
    for stage in STAGES
    for one in stage.parameters
    for mark in one.marks
    if isinstance(mark, OutputFile)
}
EXAMPLES = {
    "prepare-captions --out": "captions.h5",
    "extract-features --out": "features.h5",
    "import-features --out": "features.h5",
    "import-captioner --out": "nt.pt",
    "train-mle --out": "nt.pt",
    "train-cl --out": "nt_cl.pt",
    "swap-reference --out": "nt_ref1.pt",
    "caption --out": "nt.captions.json",
    "leave-one-out --out": "nt.captions.json",
    "self-retrieve --out": "nt.retrieval.json",
    "self-retrieve --full_matrix": "nt.log_probs.h5",
    "evaluate --out": "nt.metrics.json",
    "compare --out": "comparison.json",
}
"""A file that each output writes."""
RECOGNISED = sorted({*EXAMPLES.values(), "nt.log.jsonl", "aa.attention.h5", "nt.captions.provenance.json"})


@pytest.mark.parametrize("output", OUTPUTS)
def test_outputs_replace_only_files_of_their_own_kind(output: str) -> None:
    written = OUTPUTS[output].written
    for name in RECOGNISED:
        if _kind(name) == _kind(EXAMPLES.get(output, "")):
            check_replaceable(FILES / name, written)
        else:
            with pytest.raises(ClcapError, match=r"so it is not replaced by .*; give another name or delete the file"):
                check_replaceable(FILES / name, written)


def _kind(name: str) -> str:
    return name.split(".", 1)[-1] if not name.endswith(".h5") else name


@pytest.mark.parametrize("content", ["", "notes", '{"images": []}', "image_id,caption\n1,a dog\n"])
def test_files_that_say_nothing_of_their_kind_are_replaced(content: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(content)
    for output in OUTPUTS.values():
        check_replaceable(tmp_path / "file", output.written)
