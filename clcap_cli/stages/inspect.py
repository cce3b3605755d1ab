"""inspect: describes how a caption file or folder is read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.console import print_result
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.input_files import InputFileOrFolder
from clcap_cli.options import Argument
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import CaptionFile, CaptionRecord

SHOWN = 3
"""Number of records that are shown."""


@stage
def inspect(
    file: Annotated[Path, InputFileOrFolder(), Argument("Caption file of any format, or folder of images with texts.")],
    reading: ReadOptions = ReadOptions(),
) -> None:
    """Show what a caption file is taken for.

    The format is recognised by the content, as in all stages that read captions. Printed are the format, the columns
    that are used, the number of rows, images and captions, the splits, and the first records.

    Example: clcap inspect captions.csv
    """
    from clcap_cli.datasets.readers import check_columns_exist, read_captions
    from clcap_cli.datasets.suspicious_captions import suspicious_captions

    found = read_captions(file, reading)
    check_columns_exist(reading, [found])
    for name, value in _facts(found).items():
        print_result(f"{name + ':':<10}{value}")
    for warning in [*suspicious_captions(found), *_split_warnings(found)]:
        print_result(f"{'warning:':<10}{warning}")
    for record in found.records[:SHOWN]:
        for line in _record(record):
            print_result(line)


def _split_warnings(file: "CaptionFile") -> list[str]:
    from clcap_cli.datasets.split_names import unknown_splits
    from clcap_cli.datasets.splits import images_in_two_splits, repeated_pictures

    splits = {record.id: record.split for record in file.records if record.split is not None}
    return [*images_in_two_splits(file.records), *unknown_splits(splits.values()), *repeated_pictures(file.records)]


def _facts(file: "CaptionFile") -> dict[str, str]:
    from clcap_cli.datasets.split_names import describe_sizes

    splits = {record.id: record.split for record in file.records if record.split is not None}
    sizes = describe_sizes(splits.values())
    return {
        "file": str(file.path),
        "format": file.format,
        "columns": ", ".join(f"{role} from '{name}'" for role, name in file.columns.items()),
        **({"not used": ", ".join(file.unused_columns)} if file.unused_columns else {}),
        "content": "; ".join(file.counts()),
        "splits": f"{sizes} images" if sizes else "none; give files with --train, --val and --test, or --split-ratio",
        **({"notes": "; ".join(file.notes)} if file.notes else {}),
    }


def _record(record: "CaptionRecord") -> list[str]:
    """A line about the image of a record, and one for each caption."""
    image = [f"image {record.id}"]
    if record.file_name not in (None, str(record.id)):
        image.append(f"file {record.file_name}")
    if record.split:
        image.append(f"split {record.split}")
    return [f"{record.location}: {', '.join(image)}", *(f"    {text}" for text in record.captions)]
