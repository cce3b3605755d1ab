"""docs/files.md names everything that the files of a chain hold."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import torch

from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.self_retrieve import self_retrieve

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")


def section(title: str) -> set[str]:
    """The names that a section of the page has in backticks."""
    text = PAGE.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"`([^`]+)`", text))


def datasets(path: Path) -> Iterator[str]:
    with h5py.File(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    yield from names


def test_the_page_names_every_dataset_and_key(chain: Path) -> None:
    assert set(datasets(chain / "captions.h5")) <= section("`captions.h5`")
    assert set(datasets(chain / "features.h5")) <= section("`features.h5`")
    checkpoint = torch.load(chain / "nt_cl.pt", weights_only=True)
    assert set(checkpoint) - {"provenance"} <= section("`*.pt`")
    assert set(checkpoint["provenance"]) <= section("Provenance")


def test_the_page_names_every_key_of_results(chain: Path) -> None:
    whole = chain / "whole.h5"
    retrieval = self_retrieve(chain / "nt.pt", full_matrix=whole, device="cpu")
    metrics = evaluate([chain / "nt.pt"], metrics="ROUGE_L", retrieval=retrieval, device="cpu")
    assert set(datasets(whole)) <= section("`*.log_probs.h5`")
    for path in (retrieval, metrics):
        assert set(json.loads(path.read_text())) - {"provenance"} <= section("`*.metrics.json`")
