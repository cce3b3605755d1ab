"""Lists of images that divide a dataset into splits, such as Flickr8k's ``Flickr_8k.trainImages.txt``."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from clcap_cli.datasets.file_names import match_names
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.records import CaptionFile, ImageId, counted
from clcap_cli.datasets.source import Source
from clcap_cli.errors import ClcapError, first_few


def with_listed_splits(
    file: CaptionFile, lists: Iterable[tuple[str, Path]], options: ReadOptions = ReadOptions()
) -> CaptionFile:
    """The images of ``file`` that are listed, each in the split of its list; ``lists`` are pairs of split and path.

    A list has an image on each line, by id or file name. Raises ClcapError if the file has splits of its own, if a
    list has none of its images, and for an image in two splits.
    """
    if any(record.split is not None for record in file.records):
        raise ClcapError(f"{file.path} gives the split of each image; pass it without --train, --val and --test")
    splits: dict[ImageId, str] = {}
    notes = list(file.notes)
    for split, path in lists:
        found, missing = _listed_images(file, split, path, options)
        for id in found:
            if splits.setdefault(id, split) != split:
                raise ClcapError(f"{path}: image {id} is also listed for the split {splits[id]}; list it once")
        if missing:
            notes.append(f"not in the dataset: {counted(len(missing), 'image')} of {path}, {first_few(missing)}")
    records = [replace(record, split=splits[record.id]) for record in file.records if record.id in splits]
    unlisted = len({record.id for record in file.records}) - len(splits)
    notes += [f"left out: {counted(unlisted, 'image')} in no list"] if unlisted else []
    return replace(file, records=records, notes=notes)


def _listed_images(file: CaptionFile, split: str, path: Path, options: ReadOptions) -> tuple[list[ImageId], list[str]]:
    """The images of ``file`` in a list, and the lines that name none."""
    lines = dict.fromkeys(line.strip() for line in Source(path, options).lines if line.strip())
    names = {record.id: record.file_name or str(record.id) for record in file.records}
    found = _find(list(lines), names)
    if not found:
        raise ClcapError(
            f"{path}: none of its {counted(len(lines), 'line')} is an image of {file.path}; beside a dataset, "
            f"--{split} takes a list of its images, one per line"
        )
    return list(found.values()), [line for line in lines if line not in found]


def _find(lines: list[str], names: Mapping[ImageId, str]) -> dict[str, ImageId]:
    """The image that each line names, by its id or else by its file name."""
    by_id = {line: id for line in lines if (id := canonical_id(line)) in names}
    rest = {line: line for line in lines if line not in by_id}
    taken = set(by_id.values())
    remaining = {id: name for id, name in names.items() if id not in taken}
    return {**by_id, **match_names(rest, remaining).pairs}
