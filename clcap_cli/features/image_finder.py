"""Finding the image files of a dataset by the file names that its annotations give."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Generic, TypeVar

from clcap_cli.datasets.file_names import describe_match, match_names, normal_path
from clcap_cli.errors import ClcapError
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.image_stores import FolderStore, ImageStore, open_store
from clcap_cli.input_files import check_readable

Key = TypeVar("Key", bound=Hashable)


@dataclass
class FoundImages(Generic[Key]):
    """Image files by key, with what was not found under the exact name."""

    files: dict[Key, ImageFile] = field(default_factory=dict)
    missing: dict[Key, str] = field(default_factory=dict)
    """Reasons why images were not found."""
    ways: Counter[str] = field(default_factory=Counter)
    """Number of images found by only a part of their name, by that part, such as "file name without folder"."""
    example: str = ""
    """One of the images found by a part of its name, such as "photos/a.jpg for 'old/a.jpg'"."""

    def add(self, key: Key, file: ImageFile, way: str, name: str) -> None:
        """Add an image that was found by a part of its listed ``name``."""
        self.files[key] = file
        if way != "file name":  # the same name with other slashes or in another Unicode form
            self.ways[way] += 1
            self.example = self.example or f"{file} for '{name}'"

    def note(self) -> str:
        """A message about the images that were found by a part of their name; empty if there are none."""
        counts = ", ".join(f"{count:,} by {way}" for way, count in self.ways.most_common())
        return counts and f"images whose file has another name than listed: {counts}, such as {self.example}"


def open_stores(paths: Iterable[Path]) -> list[ImageStore]:
    """The images at ``paths``, as ``open_store`` does; each path once even if it is given twice or through a link."""
    unique: dict[Path, Path] = {}
    for path in paths:
        unique.setdefault(path.resolve(), path)
    return [open_store(path) for path in unique.values()]


def find_images(stores: Sequence[ImageStore], names: Mapping[Key, str]) -> FoundImages[Key]:
    """Find the files of images by their listed names, in folders and archives.

    A name is first looked up as a path within each store. Only if that fails are all stores listed, and the remaining
    names are matched with the remaining files as ``match_names`` does: by ever smaller parts, where unambiguous. No
    file outside of the stores is returned.

    Raises ClcapError if two stores have a file of the same name.
    """
    found: FoundImages[Key] = FoundImages()
    used: set[str] = set()
    for key, name in names.items():
        if at_path := _files_at(stores, name):
            used.update(at_path)
            found.files[key] = next(iter(at_path.values()))
    remaining = {key: name for key, name in names.items() if key not in found.files}
    if remaining and stores:
        _find_by_parts(found, remaining, stores, used)
    return found


def _files_at(stores: Sequence[ImageStore], name: str) -> dict[str, ImageFile]:
    """The file at the path ``name`` within a store, by its full path; empty if there is none."""
    found = {}
    for store in stores:
        for path in dict.fromkeys((name, normal_path(name))):
            inner = _path_within(store, path)
            if inner is not None and (file := store.get(inner)):
                found[f"{store.full_path}/{inner}"] = file
                break
    if len(found) > 1:
        first, second = list(found.values())[:2]
        raise ClcapError(f"there are two images '{name}': {first} and {second}; remove one of the folders")
    return found


def _path_within(store: ImageStore, name: str) -> str | None:
    """The path ``name`` relative to the store; None if it leads out of it."""
    path = Path(name)
    if ".." in path.parts:
        return None
    if not path.is_absolute():
        return name
    for root in (store.path.absolute(), store.full_path):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return None


def _find_by_parts(
    found: FoundImages[Key], names: Mapping[Key, str], stores: Sequence[ImageStore], used: Collection[str]
) -> None:
    """Match names with the unused files by parts of their paths, at first including the folders of the stores."""
    files, inner_names, folders = {}, {}, set()
    for store in stores:
        folders.add(store.full_path.name)
        for inner, file in store.listing.images.items():
            folders.update(inner.split("/")[:-1])
            if (full := f"{store.full_path}/{inner}") not in used:
                files[full], inner_names[full] = file, inner
    ambiguous: dict[Key, str] = {}
    matched: set[str] = set()
    for paths in ({full: full for full in files}, inner_names):
        left = {key: name for key, name in names.items() if key not in found.files}
        matching = match_names(left, {full: path for full, path in paths.items() if full not in matched})
        for key, full in matching.pairs.items():
            if not _is_of_other_folder(names[key], full, folders):
                way = (
                    "file name"
                    if _is_path(names[key], full, inner_names[full])
                    else describe_match(names[key], inner_names[full])
                )
                found.add(key, files[full], way, names[key])
        matched.update(matching.pairs.values())
        ambiguous |= {key: _ambiguity(left, key, *both) for key, both in matching.ambiguous.items()}
    for key, name in names.items():
        if key not in found.files:
            found.missing[key] = ambiguous.get(key) or _missing_reason(name, stores)


def _is_path(name: str, full: str, inner: str) -> bool:
    """Whether a listed name is the path within the store, ``inner``, after the last folders of the store's own path."""
    listed = normal_path(name)
    return listed.endswith(f"/{inner}") and full.endswith(f"/{listed}")


def _is_of_other_folder(name: str, full: str, folders: Collection[str]) -> bool:
    """Whether the folder of a listed name is one of the ``folders`` that exist, but not one of the file ``full``."""
    folder = PurePosixPath(normal_path(name)).parent.name
    return folder in folders and folder not in full.split("/")


def _ambiguity(names: Mapping[Key, str], key: Key, keys: Sequence[Key], files: Sequence[str]) -> str:
    """Why a name that resembles the names of several files, or of other images, was not matched."""
    if len(files) > 1:
        candidates = f"{' or '.join(files[:2])}{' or others' if len(files) > 2 else ''}"
        example = "/".join(files[0].split("/")[-names[key].count("/") - 2 :])
        return f"'{names[key]}' is ambiguous: it could be {candidates}; list it with its folder, such as {example}"
    other = next(other for other in keys if other != key)
    return f"{files[0]} could be '{names[key]}' or '{names[other]}'"


def _missing_reason(name: str, stores: Sequence[ImageStore]) -> str:
    inner = _path_within(stores[0], name)
    if inner is None or PureWindowsPath(name).is_absolute() or not isinstance(stores[0], FolderStore):
        searched = ", ".join(str(store.path) for store in stores)
        return f"'{name}' is not in {searched}, and neither is another file of its name"
    try:
        check_readable(stores[0].path / inner)
    except ClcapError as error:
        return str(error)
    return f"no such file: {stores[0].path / inner}"
