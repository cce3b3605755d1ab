"""cache: lists and removes caches, saved training runs and leftover temporary files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.console import print_info, print_result, print_warning
from clcap_cli.errors import first_few
from clcap_cli.input_files import InputFolder
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.cached_files import CachedFile


@stage
def cache(
    folder: Annotated[Path, InputFolder(), Argument("Folder to search, with its subfolders.")] = Path(),
    clear: Annotated[
        bool,
        Option(
            "Remove caches, which are computed again when needed, what finished runs left, and leftover temporary "
            "files.",
            Panel.OUTPUT,
            name="--clear",
        ),
    ] = False,
    clear_unfinished: Annotated[
        bool,
        Option(
            "Remove what unfinished runs have saved: states, best checkpoints so far and features so far.",
            Panel.OUTPUT,
            name="--clear-unfinished",
        ),
    ] = False,
) -> None:
    """List or remove caches, saved runs and leftover files.

    A file is listed if both its name and its content are those of such a file. Links are not followed, and files that a
    running process is writing are never removed.

    Example: clcap cache runs --clear
    """
    from clcap_cli.artifacts.cached_files import find_cached_files

    found, foreign = find_cached_files(folder)
    if foreign:
        print_warning(f"left alone, because only the name is that of a cache, not the content: {first_few(foreign)}")
    if clear or clear_unfinished:
        removed = [one for one in found if (clear_unfinished if one.is_work else clear) and one.removed()]
        _print(removed, "removed")
        _print([one for one in found if one not in removed], "left")
        return
    _print(found, "in all")
    if found:
        print_info("--clear removes caches and leftovers, --clear-unfinished what unfinished runs have saved")


def _print(files: "Sequence[CachedFile]", summary: str) -> None:
    """Print a line for each file, and the sum of their sizes."""
    width = max((len(one.description) for one in files), default=0)
    for one in files:
        state = ", in use" if one.in_use else ""
        print_result(f"{one.size:>15,}  {one.description:<{width}}  {one.path}  ({one.belongs_to}{state})")
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    print_result(f"{sum(one.size for one in files):>15,}  bytes {summary}, {count}")
