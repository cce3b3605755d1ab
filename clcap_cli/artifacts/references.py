"""``*.references.json``: references of images in the layout of COCO's captions files, with their provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.artifacts.ranking import captions_name
from clcap_cli.datasets.parsing import read_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json

KIND = "clcap/references"


def references_path(captions: Path) -> Path:
    """The file of references beside captions: human.references.json for human.captions.json."""
    return captions.with_name(f"{captions_name(captions)}.references.json")


def belongs_to(path: Path, captions: Provenance) -> bool:
    """Whether the references at ``path`` are unchanged and from the same leave-one-out as ``captions``."""
    content = read_json(path)
    if not isinstance(content, dict) or "provenance" not in content:
        return False
    own = parse_provenance(content.pop("provenance"), path)
    same = all(own.settings.get(name) == captions.settings.get(name) for name in ("seed", "split"))
    same_inputs = {item.id for item in own.inputs} == {item.id for item in captions.inputs}
    return same and same_inputs and own.id == digest_of_json(content)


def write_references(
    out: Path,
    references: Mapping[ImageId, Sequence[str]],
    file_names: Mapping[ImageId, str | None],
    origin: Origin,
) -> None:
    """Write the references of each image, numbered from 1."""
    images = [{"id": id, **({"file_name": file_names[id]} if file_names.get(id) else {})} for id in references]
    pairs = [(id, text) for id, texts in references.items() for text in texts]
    annotations = [{"id": number, "image_id": id, "caption": text} for number, (id, text) in enumerate(pairs, 1)]
    content = {"images": images, "annotations": annotations}
    write_json(out, {"provenance": origin.make_provenance(KIND, digest_of_json(content), out).model_dump(), **content})
