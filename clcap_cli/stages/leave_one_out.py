"""leave-one-out: references -> one of each image as if a system had written it, and the others as references."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from clcap_cli.artifacts.preconditions import OutputFile
from clcap_cli.console import print_info, print_warning
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.split_names import DEFAULT_SPLIT
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.input_files import InputFileOrFolder
from clcap_cli.options import Argument
from clcap_cli.stages.options import ReferenceSplit, Seed, output
from clcap_cli.stages.stage import flattened, stage_with

SUFFIXES = (".json", ".csv", ".jsonl")


def _check_out(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError if the captions would have the name of references."""
    out = given["out"]
    if out.stem.lower().endswith(".references"):
        raise InvalidValueError(
            "out",
            f"'{out.name}' is the name of references, which are written beside the captions; name the captions, such "
            f"as {out.name[: -len('.references' + out.suffix)]}.captions{out.suffix}",
        )


@stage_with(_check_out)
def leave_one_out(
    references: Annotated[
        Path, InputFileOrFolder(), Argument("captions.h5, or references in another format: a table, COCO captions.")
    ],
    split: ReferenceSplit = None,
    out: Annotated[Path, OutputFile(SUFFIXES, description_of("clcap/caption-results")), output()] = Path(
        "human.captions.json"
    ),
    seed: Seed = 0,
    reading: ReadOptions = ReadOptions(),
) -> Path:
    """Turn one reference of each image into a caption.

    This measures people like a system. The captions are one random reference of each image. The remaining references
    are written beside them, to human.references.json for human.captions.json; to compare a system with people, score
    both against these. Images with a single reference are left out.

    Example: clcap leave-one-out captions.h5 --split test --out human.captions.json
    """
    settings = flattened(locals()) | {"split": split or DEFAULT_SPLIT}
    from clcap_cli.artifacts.atomic import all_or_nothing, check_writable
    from clcap_cli.artifacts.output_path import check_names_beside
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.references import references_path, write_references
    from clcap_cli.artifacts.results import check_results_writable, write_caption_results
    from clcap_cli.datasets.records import counted
    from clcap_cli.evaluation.inputs import report_files
    from clcap_cli.evaluation.left_out import leave_one_out_of
    from clcap_cli.evaluation.references import read_references

    origin = Origin("leave-one-out", settings)
    read = read_references(
        references, split, reading, origin, "captions" if references.suffix == ".h5" else "references"
    )
    report_files(reading, read.file)
    out = check_results_writable(out, origin.input_paths)
    check_names_beside(out, [references_path(out)])
    beside = check_writable(references_path(out), origin.input_paths, [out])
    found = leave_one_out_of(read.captions, seed)
    if not found.captions:
        raise ClcapError(
            f"none of the {counted(len(found.single), 'image')} in {references} has two references; one is the caption "
            "and another the reference"
        )
    with all_or_nothing():
        write_caption_results(out, found.captions, origin, {id: read.file_names.get(id) or "" for id in found.captions})
        write_references(beside, found.references, read.file_names, origin)
    if found.single:
        print_warning(f"left out: {counted(len(found.single), 'image')} with a single reference")
    kept = sum(map(len, found.references.values()))
    print_info(f"{counted(len(found.captions), 'caption')}; {counted(kept, 'reference')} in {beside}")
    return out
