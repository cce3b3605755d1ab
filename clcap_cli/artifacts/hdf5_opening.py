"""Opening HDF5 files for reading, with the actual reason where that fails."""

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py

LOCKED = (errno.EAGAIN, errno.EACCES)
"""Errors of HDF5 for a file that another program has open for writing."""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of HDF5 where the file system has no locks, as some network file systems."""


def open_for_reading(path: Path) -> "h5py.File":
    """Open an HDF5 file for reading, also where the file system has no locks.

    Raises ClcapError if another program is writing it or if the system cannot read it, OSError if HDF5 finds it
    damaged.
    """
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        if error.errno in NO_LOCKS:
            return h5py.File(path, "r", locking=False)
        if error.errno in LOCKED or "already open for write" in str(error):
            raise ClcapError(
                f"{path} is open for writing in another program; wait until it has finished (if it crashed, create "
                "the file again)"
            ) from error
        if error.errno:
            raise ClcapError(f"{path} cannot be read: {os.strerror(error.errno)}") from error
        raise
