"""The images that tables hold as bytes, which prepare-captions writes to a folder beside captions.h5."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_info, print_warning
from clcap_cli.errors import first_few

if TYPE_CHECKING:
    from clcap_cli.datasets.records import CaptionFile, ImageRecord


@contextmanager
def written_beside(
    out: Path, files: "Sequence[CaptionFile]", images: "Sequence[ImageRecord]"
) -> "Iterator[Sequence[ImageRecord]]":
    """Write the images whose bytes ``files`` hold, and yield ``images`` with the file names that they have there.

    The folder appears at the end of the block. Raises ClcapError if it cannot be written.
    """
    from clcap_cli.artifacts.image_folder import image_folder_beside, written_images
    from clcap_cli.datasets.embedded_images import safe_path

    tables = [file.images for file in files if file.images]
    embedded = {name for table in tables for name in table.names}
    wanted = {image.file_name for image in images} & embedded
    if not wanted:
        yield images
        return
    pairs = chain.from_iterable(table.with_names(wanted) for table in tables)
    folder = image_folder_beside(out)
    with written_images(folder, ((safe_path(name), content) for name, content in pairs)) as written:
        yield [replace(one, file_name=safe_path(one.file_name)) if one.file_name in wanted else one for one in images]
    print_info(f"{folder}/: {len(written):,} images written from the tables")
    missing = sorted({safe_path(name) for name in wanted}.difference(written))
    if missing:
        print_warning(f"{len(missing):,} images have no bytes in the tables: {first_few(missing)}")
