"""Where images come from: folders, and uncompressed tar archives such as the shards of WebDataset."""

import os
import posixpath
import tarfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath

from clcap_cli.compute.processes import processes
from clcap_cli.console import progress
from clcap_cli.errors import ClcapError
from clcap_cli.features.file_kinds import HEAD_SIZE, describe_content
from clcap_cli.features.image_files import ImageFile, TarMember
from clcap_cli.features.image_formats import format_without_reader, image_suffixes
from clcap_cli.features.images import UnreadableImageError, has_several_frames
from clcap_cli.file_kinds.tar import archives_of, members_of, open_tar
from clcap_cli.input_files import check_readable, is_file, is_folder_on_disk
from clcap_cli.path_patterns import is_pattern

SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir"})
"""Files and folders that operating systems create, in lower case; names with a leading dot count as such too."""
NOT_A_FILE = "links, devices, sparse files or names outside of the archive"
READ_AT_ONCE = 8
"""Number of archives that are listed at a time: most of it is waiting for a disk or an object store."""
Member = tuple[str, int, int]
"""Name, offset and size of a regular file in an archive, as in ``TarMember``."""
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass
class Listing:
    """The images of a store."""

    images: dict[str, ImageFile] = field(default_factory=dict)
    """Image files by path within the store."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of other files by kind."""

    def add(self, name: str, file: ImageFile) -> None:
        """Add a file as an image, or count it."""
        kind = _kind(name, file)
        if kind is None:
            self.images[name] = file
        else:
            self.left_out[kind] += 1

    def summary(self) -> str:
        """What was left out, such as "2 .txt, 1 hidden"; empty if nothing was."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self.left_out.most_common())


class ImageStore(ABC):
    """A place with image files, each of which has a path within it."""

    def __init__(self, path: Path):
        self.path = path
        self.full_path = path.resolve()

    @abstractmethod
    def get(self, name: str) -> ImageFile | None:
        """The file at ``name``, a relative path without ``..``, whatever its kind; None if it does not exist."""

    @cached_property
    @abstractmethod
    def listing(self) -> Listing:
        """All images of the store, in the order of their paths."""


class FolderStore(ImageStore):
    """A folder with its subfolders; links to folders are not followed when it is listed."""

    def get(self, name: str) -> ImageFile | None:
        """See ImageStore."""
        path = self.path / name
        return path if is_file(path) else None

    @cached_property
    def listing(self) -> Listing:
        """See ImageStore."""
        listing = Listing()
        for path in sorted(_files_below(self.path, listing.left_out)):
            listing.add(path.relative_to(self.path).as_posix(), path)
        return listing


def _files_below(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    """All files in ``folder`` and below, except those of hidden folders, which are counted as one each."""
    for parent, folders, files in os.walk(folder):
        hidden = [name for name in folders if _is_system_name(name)]
        linked = [name for name in folders if name not in hidden and Path(parent, name).is_symlink()]
        left_out.update({"hidden folders": len(hidden)} if hidden else {})
        left_out.update({"links to folders": len(linked)} if linked else {})
        folders[:] = [name for name in folders if name not in hidden]
        yield from (Path(parent, name) for name in files)


class TarStore(ImageStore):
    """Uncompressed tar archives with the names of one namespace; their links and devices are ignored."""

    def __init__(self, path: Path, archives: Sequence[Path]):
        """Read the names in the ``archives`` that ``path`` stands for; several processes share the archives.

        Raises ClcapError if one is damaged or compressed, and if two contain the same name.
        """
        super().__init__(path)
        self._members: dict[str, TarMember] = {}
        self._left_out: Counter[str] = Counter()
        for archive, (members, left_out) in zip(archives, _listed(archives), strict=True):
            self._left_out[NOT_A_FILE] += left_out
            self._add(TarMember(archive, *member) for member in members)

    def _add(self, members: Iterable[TarMember]) -> None:
        for member in members:
            other = self._members.setdefault(member.name, member)
            if other.archive != member.archive:
                raise ClcapError(
                    f"{other.archive} and {member.archive} both contain {member.name}; give each file its own name"
                )
            self._members[member.name] = member

    def get(self, name: str) -> ImageFile | None:
        """See ImageStore."""
        return self._members.get(posixpath.normpath(name))

    @cached_property
    def listing(self) -> Listing:
        """See ImageStore."""
        listing = Listing(left_out=+self._left_out)
        for name, member in sorted(self._members.items()):
            listing.add(name, member)
        return listing


def _listed(archives: Sequence[Path]) -> Iterator[tuple[list[Member], int]]:
    """What ``_members_of`` returns for each archive, which one of the processes reads."""
    own = processes().share(archives)
    with ThreadPoolExecutor(READ_AT_ONCE) as threads:
        listed = threads.map(_members_of, own)
        found = list(progress(listed, len(own), "listing archives") if own[1:] else listed)
    if processes().count == 1:
        return iter(found)
    from clcap_cli.compute.collectives import from_all  # with PyTorch

    return chain.from_iterable(from_all(found))


def _members_of(path: Path) -> tuple[list[Member], int]:
    """The regular files of an archive, and the number of other entries that are no folders."""
    _check_is_archive(path)
    try:
        with open_tar(path) as archive:
            entries = [info for info in members_of(archive) if not info.isdir()]
            if archive.offset >= path.stat().st_size:
                raise tarfile.ReadError("its end is missing")
    except tarfile.TarError as error:
        raise ClcapError(f"{path} is not a readable tar archive: {error}; is the file complete?") from error
    names = [posixpath.normpath(info.name) for info in entries]
    members = [
        (name, info.offset_data, info.size)
        for info, name in zip(entries, names, strict=True)
        if info.isreg() and not info.issparse() and not name.startswith(("/", "../")) and name != ".."
    ]
    return members, len(entries) - len(members)


def open_store(path: Path) -> ImageStore:
    """The images at ``path``: in a folder, a tar archive, or the archives that a folder or a pattern has.

    A folder with images of its own is no folder of archives. Raises ClcapError for anything else and for a compressed
    archive.
    """
    archives = archives_of(path)
    if is_folder_on_disk(path):
        folder = FolderStore(path)
        if not archives or folder.listing.images:
            return folder
    if not archives:
        raise ClcapError(f"{path} has no tar archives; images are read from folders and tar archives")
    return TarStore(path, archives)


def _check_is_archive(path: Path) -> None:
    """Raise ClcapError for a compressed archive, and for a file that is none."""
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    for start, program in _COMPRESSED.items():
        if head.startswith(start):
            raise ClcapError(
                f"{path} is compressed with {program}; decompress it, or unpack it and give the folder: "
                "only images in uncompressed tar archives can be read without unpacking"
            )
    if not is_archive(path):
        kind = describe_content(head) or "another kind of file"
        raise ClcapError(f"{path} is {kind}; images are read from folders and tar archives")


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive or has the name of a compressed one; of a pattern, whether it has archives."""
    if is_pattern(path):
        return bool(archives_of(path))
    if not is_file(path):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return ".tar" in suffixes or ".tgz" in suffixes or _has_tar_header(path)


def _has_tar_header(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(262)[257:] == b"ustar"
    except OSError:
        return False


def _kind(name: str, file: ImageFile) -> str | None:
    """The kind of a file that is left out; None for an image."""
    path = PurePosixPath(name)
    if any(map(_is_system_name, path.parts)):
        return "hidden or system files"
    suffix = path.suffix.lower()
    if suffix in image_suffixes() or (not suffix and _is_image(file)):
        return None
    if missing := format_without_reader(suffix):
        return f"{suffix} (to read them: {missing.install_command})"
    return suffix or "files without a suffix"


def _is_system_name(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _is_image(file: ImageFile) -> bool:
    try:
        has_several_frames(file)
    except UnreadableImageError:
        return False
    return True
