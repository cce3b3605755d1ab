"""What ``show`` says of a file without provenance: one that another program wrote, or a log or page of clcap."""

import json
from pathlib import Path

from clcap_cli.errors import ClcapError, first_few
from clcap_cli.file_kinds.kind import FileKind
from clcap_cli.file_kinds.recognition import ForeignFileError, file_kind
from clcap_cli.file_kinds.signatures import PICKLE
from clcap_cli.file_kinds.texts import LOG

CAPTIONS_ADVICE = "clcap inspect shows its records; prepare-captions and evaluate read it"
HUGGING_FACE = {
    "architectures": FileKind(
        "the configuration of a Hugging Face model", use="clcap cannot load the model; it trains its own"
    ),
    "added_tokens": FileKind("a tokenizer.json of Hugging Face", use="train-mle --tokenizer reads it"),
    "weight_map": FileKind(
        "the index of a Hugging Face checkpoint in several files", use="clcap cannot load the model; it trains its own"
    ),
    "image_mean": FileKind("the image preprocessing of a Hugging Face model"),
}
"""JSON files of Hugging Face, by a key that only they have."""
TORCH_ADVICE = (
    "if it is a state dict of a backbone, extract-features --weights reads it; clcap trains other models itself"
)
HDF5_ADVICE = "if it has features of images, import-features reads it"


def foreign_facts(path: Path) -> dict[str, str]:
    """What the file is, what it contains and what to do with it, as far as that is known."""
    kind = file_kind(path)
    facts = {"file": str(path), "kind": kind.description, **_content(path, kind)}
    if not kind.by_clcap:
        facts["kind"] += " (clcap did not write this file)"
    use = facts.get("use") or kind.use or kind.advice
    return {**facts, "use": use} if use else facts


def _content(path: Path, kind: FileKind) -> dict[str, str]:
    if kind == LOG:
        return _log(path)
    if kind.by_clcap:
        return {}
    if "HDF5" in kind.description:
        return {"content": _datasets(path), "use": HDF5_ADVICE}
    if any(word in kind.description for word in ("PyTorch", ".pt)")) and kind != PICKLE:
        return _torch_content(path)
    if kind.description.endswith(" image"):
        return {"use": f"clcap caption CHECKPOINT --images {path}"}
    if "safetensors" in kind.description:
        return {"content": _tensors(path), "use": TORCH_ADVICE}
    return _hugging_face(path, kind) or _captions(path)


def _log(path: Path) -> dict[str, str]:
    from clcap_cli.artifacts.training_logs import read_log

    records = read_log(path)
    last = ", ".join(f"{name} {value:.4g}" for name, value in records[-1].items())
    return {"content": f"{len(records)} validations; the last: {last}", "use": "report shows its curves"}


def _datasets(path: Path) -> str:
    from clcap_cli.artifacts.hdf5_survey import survey_foreign

    found = survey_foreign(path)
    return f"{len(found)} datasets: {first_few(found)}" if found else "no datasets"


def _torch_content(path: Path) -> dict[str, str]:
    from clcap_cli.artifacts.plain_pickle import plain_values

    try:
        values = plain_values(path)
    except ForeignFileError:
        return {"content": "pickled Python objects", "use": PICKLE.use}
    content = f"{len(values)} entries: {first_few(list(values))}" if isinstance(values, dict) else "no state dict"
    return {"content": content, "use": TORCH_ADVICE}


def _tensors(path: Path) -> str:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            names = [name for name in json.loads(file.read(size)) if name != "__metadata__"]
        except ValueError as error:
            raise ClcapError(f"{path} is cut off or damaged; download it again") from error
    return f"{len(names)} tensors: {first_few(names)}"


def _hugging_face(path: Path, kind: FileKind) -> dict[str, str]:
    from clcap_cli.datasets.parsing import read_json

    if not kind.description.startswith("JSON: an object"):
        return {}
    content = read_json(path)
    found = next((known for key, known in HUGGING_FACE.items() if key in content), None)
    return {"kind": found.description, "use": found.use} if found else {}


def _captions(path: Path) -> dict[str, str]:
    from clcap_cli.datasets.readers import read_captions

    try:
        found = read_captions(path)
    except (ClcapError, OSError):
        return {}
    if not any(record.captions for record in found.records):
        return {}
    return {"kind": f"a caption file ({found.format})", "content": "; ".join(found.counts()), "use": CAPTIONS_ADVICE}
