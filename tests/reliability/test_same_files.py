"""The comparison of the soak test ignores times and nothing else."""

import json
from pathlib import Path

import h5py
import pytest
import torch

from tests.reliability.same_files import content_of


def write_json(path: Path, value: float, created: str) -> None:
    path.write_text(json.dumps({"provenance": {"created": created, "id": "a"}, "metrics": {"CIDEr": value}}))


def write_lines(path: Path, value: float, created: str) -> None:
    path.write_text(json.dumps({"loss": value, "seconds": len(created)}) + "\n")


def write_pt(path: Path, value: float, created: str) -> None:
    torch.save({"provenance": {"created": created}, "weights": {"w": torch.tensor([1.0, value])}}, path)


def write_hdf5(path: Path, value: float, created: str) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["provenance"] = json.dumps({"created": created})
        file["a/b"], file["text"] = [1.0, value], ["x", "é"]


def write_page(path: Path, value: float, created: str) -> None:
    path.write_text(f"<p>{value}</p><time>{created}</time>")


WRITERS = {"json": write_json, "jsonl": write_lines, "pt": write_pt, "h5": write_hdf5, "html": write_page}


@pytest.mark.parametrize("suffix", WRITERS)
def test_only_times_may_differ(tmp_path: Path, suffix: str) -> None:
    path, contents = tmp_path / f"x.{suffix}", []
    for value, created in ((1.0, "today"), (1.0, "tomorrow"), (1.0000001, "today")):
        WRITERS[suffix](path, value, created)
        contents.append(content_of(path))
    assert contents[0] == contents[1] != contents[2]
