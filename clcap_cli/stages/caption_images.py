"""The images that caption is given with --images: files, folders and tar archives."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_folder

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.features.image_check import SkippedImages
    from clcap_cli.features.image_files import ImageFile
    from clcap_cli.features.images import UnreadableImageError
    from clcap_cli.stages.caption_attention import AttentionOutput


def caption_images(
    models: Sequence[Path],
    images: "Mapping[ImageId, ImageFile]",
    skipped: "SkippedImages",
    weights: str | None,
    decoding: DecodingSettings,
    compute: ComputeSettings,
    seed: int,
    origin: "Origin",
    attention: "AttentionOutput | None" = None,
) -> "dict[ImageId, list[str]]":
    """Captions of image files by id; images that turn out to be unreadable are skipped or an error.

    ``attention`` collects the attention of the captions of all images, the skipped ones included.
    """
    from clcap_cli.decoding.captioning import ignore_block
    from clcap_cli.evaluation.live_models import load_live_models
    from clcap_cli.evaluation.model_inputs import decode_texts, numbered_role, open_checkpoints

    checkpoints, device = open_checkpoints(models), compute.start()
    for number, checkpoint in enumerate(checkpoints):
        origin.add_input(numbered_role("checkpoint", number), checkpoint)
    ids = list(images)

    def on_unreadable(position: int, error: "UnreadableImageError") -> None:
        skipped.add_late(ids[position], error, position)

    live = load_live_models(checkpoints, device, weights)
    captioners = [one.model for one in live]
    sources = [one.features_of(list(images.values()), on_unreadable) for one in live]
    on_block = attention.start(checkpoints[0], captioners[0], len(ids), decoding) if attention else ignore_block
    _, texts = decode_texts(captioners, sources, decoding, checkpoints[0].tokenizer, seed, on_block)
    skipped.report("they have no captions in the output")
    return {id: own for id, own in zip(ids, texts, strict=True) if id not in skipped.reasons}


def readable_images(
    paths: Sequence[Path], skip_bad: bool, max_pixels: int
) -> "tuple[dict[ImageId, ImageFile], SkippedImages]":
    """The images at ``paths`` whose header can be read, by id, and the others; limits their pixels.

    Raises ClcapError for unreadable images unless they are skipped.
    """
    from clcap_cli.datasets.text import text_flaw
    from clcap_cli.features.image_check import SkippedImages, check_headers
    from clcap_cli.features.pixel_limit import limit_pixels

    limit_pixels(max_pixels)
    files: dict[ImageId, ImageFile] = {str(file): file for file in _different_files(paths)}
    skipped = SkippedImages(len(files), skip_bad)
    for id in [id for id in files if text_flaw(str(id))]:
        skipped.reasons[id] = f"the name {files.pop(id)} is not valid UTF-8, so it cannot be an id; rename the file"
    readable = check_headers(files, skipped, check_remote=False)
    skipped.raise_unless_usable()
    return readable, skipped


def _different_files(paths: Sequence[Path]) -> "list[ImageFile]":
    """The images at ``paths``, each once even if it is given twice or its folder is also given through a link."""
    files = [file for path in paths for file in _image_files(path)]
    different: dict[str, ImageFile] = {}
    for file in files:
        different.setdefault(_full_path(file), file)
    repeated = len(files) - len(different)
    if repeated:
        print_info(f"{repeated:,} {'image is' if repeated == 1 else 'images are'} given twice; each is captioned once")
    return list(different.values())


def _full_path(file: "ImageFile") -> str:
    """The path of a file without links to folders; a link to a file is a file of its own."""
    if isinstance(file, Path):
        return f"{file.parent.resolve()}/{file.name}"
    return f"{file.archive.resolve()}/{file.name}"


def _image_files(path: Path) -> "list[ImageFile]":
    """The image file at ``path``, or all images in the folder or tar archive ``path``."""
    from clcap_cli.features.image_stores import is_archive, open_store

    if not is_archive(path) and not is_folder(path):
        return [path]
    listing = open_store(path).listing
    left_out = listing.summary()
    if not listing.images:
        raise ClcapError(
            f"{path} holds no images{f', only {left_out}' if left_out else ''}; "
            "--images takes image files, folders and tar archives"
        )
    if left_out:
        print_info(f"{path}: {len(listing.images):,} images; left out: {left_out}")
    return list(listing.images.values())
