"""Addresses such as s3://bucket/x.tar as paths, whose files are read through fsspec.

Credentials come from where the library of the protocol looks for them, such as the variables AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY. Addresses are recorded in files, so one that holds a password is refused.
"""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PosixPath
from typing import Any, Self

from clcap_cli.errors import ClcapError
from clcap_cli.extras import import_optional

_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.:-]*://")
_SECRET = re.compile(r"://[^/]*@|https?://.*\?")
_CHANGING = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime", "created")
"""Keys under which the libraries of stores say whether a file is still the same."""
PACKAGES = {"s3": "s3fs", "s3a": "s3fs"}
"""Modules of clcap's own extra, by protocol; for other protocols fsspec names the package."""


class UnavailableError(ClcapError):
    """A file of an object store that cannot be read now; that says nothing about its content."""


class RemotePath(PosixPath):
    """The address of a file or folder of an object store; only reading is possible.

    Everything that asks the store raises UnavailableError with the store's reason.
    """

    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)  # paths have no empty parts

    def absolute(self) -> Self:
        """See Path: an address is absolute."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """See Path: an address is no link."""
        return self

    def is_absolute(self) -> bool:
        """See Path."""
        return True

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """See Path; the store is asked once."""
        return self._status

    def is_dir(self, **_: Any) -> bool:
        """See Path."""
        return stat.S_ISDIR(self._status.st_mode)

    def is_file(self, **_: Any) -> bool:
        """See Path."""
        return stat.S_ISREG(self._status.st_mode)

    def open(self, *_: Any, **__: Any) -> io.BufferedReader:  # type: ignore[override]
        """Open the file for reading bytes."""
        from clcap_cli.remote_blocks import BlockReader

        return io.BufferedReader(BlockReader(self, self._status.st_size))

    def iterdir(self) -> Iterator[Self]:  # type: ignore[override]
        """The files and folders in the folder."""
        with self._store_errors():
            system, path = self._located
            return iter([self._address_of(found) for found in system.ls(path, detail=False)])

    def matches(self) -> list[Self]:
        """The files whose address matches this one, a pattern."""
        with self._store_errors():
            system, path = self._located
            return [self._address_of(found) for found in system.glob(path)]

    def read_range(self, first: int, end: int) -> bytes:
        """The bytes from ``first`` up to ``end``."""
        with self._store_errors():
            system, path = self._located
            content = system.cat_file(path, start=first, end=end)
        if len(content) != min(end, self._status.st_size) - first:
            raise UnavailableError(f"{self} has another size than before; start again")
        return content

    @property
    def fingerprint(self) -> str:
        """The size and, where the store has one of them, a checksum or time, which change when the content does."""
        known = next((self._info[key] for key in _CHANGING if self._info.get(key)), "")
        return f"{self._info['size']} {known}"

    @property
    def _located(self) -> tuple[Any, str]:
        """The file system of fsspec and the path in it."""
        protocol = str(self).partition("://")[0].rpartition("::")[2]
        if package := PACKAGES.get(protocol):
            import_optional(package, str(self))
        import fsspec

        return fsspec.core.url_to_fs(str(self))

    @cached_property
    def _info(self) -> Any:
        """What the store knows of the file or folder."""
        with self._store_errors():
            return _answer_about(*self._located)

    @property
    def _status(self) -> os.stat_result:
        mode = stat.S_IFDIR if self._info["type"] == "directory" else stat.S_IFREG
        return os.stat_result((mode, hash(self), 0, 1, 0, 0, self._info["size"] or 0, 0, 0, 0))

    def _address_of(self, found: str) -> Self:
        """The address of a path that the file system found."""
        chain, colons, own = str(self).rpartition("::")
        prefix = "" if "://" in found else own.partition("://")[0] + "://"
        return type(self)(f"{chain}{colons}{prefix}{found.lstrip('/')}")

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Raise UnavailableError for every error of the store, of its library and of the network."""
        try:
            yield
        except ClcapError:
            raise
        except Exception as error:  # every protocol has errors of its own
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise UnavailableError(f"{self} cannot be read: {reason}{_advice(error)}") from error


def is_address(text: str) -> bool:
    """Whether a text is an address and no path on disk."""
    return bool(_ADDRESS.match(text))


def as_path(text: str) -> Path:
    """The path or address; raises ClcapError for an address with a password or signature."""
    if not is_address(text):
        return Path(text)
    if _SECRET.search(text):
        raise ClcapError(
            f"the address of {text.partition('://')[0]} holds a password or a query, which would be recorded in files; "
            "give credentials by environment variables"
        )
    return RemotePath(text)


def _answer_about(system: Any, path: str) -> Any:
    """What the store knows of a file or folder; if it refuses, the error of reading it, which has a reason."""
    try:
        return system.info(path)
    except OSError:
        system.cat_file(path, start=0, end=1)
        raise


def _advice(error: Exception) -> str:
    if isinstance(error, PermissionError) or "credentials" in str(error):
        return "; check the credentials in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return ""
