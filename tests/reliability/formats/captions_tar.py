"""Captions in tar archives of WebDataset, which ``--images`` reads too."""

import io
import tarfile
from pathlib import Path

from tests.datasets.test_paired_files import FILES
from tests.reliability.foreign_seeds import numbered, read_caption_file
from tests.reliability.fuzzing import Format

LONG = "x" * 60 + "/" + "y" * 60


def archive(format: int) -> bytes:
    """An archive of images and texts, one with a long name."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=format) as file:
        for name, text in {**FILES, f"{LONG}.jpg": b"", f"{LONG}.txt": b"a bird"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            file.addfile(info, io.BytesIO(text))
    return content.getvalue()


def read(path: Path) -> None:
    """Read the captions, and list the archive as a store of images."""
    from clcap_cli.features.image_stores import open_store

    read_caption_file(path)
    listing = open_store(path).listing
    listing.summary()


SEEDS = numbered(map(archive, (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
TOKENS = (b"ustar", b"../", b"/etc/x.jpg", b"GNU.sparse.map=0,5", b"77777777777\0", b"\x80" + b"\xff" * 11, bytes(512))
FORMAT = Format("captions_tar", "captions.tar", read, SEEDS, tokens=TOKENS)
