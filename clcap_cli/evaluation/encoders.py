"""The encoders of an evaluation, opened when a metric first uses them, and the files of its images."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.encoders.clip import ClipEncoder
from clcap_cli.encoders.sentence_encoder import SentenceEncoder
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.encoder_settings import EncoderSettings
from clcap_cli.evaluation.image_names import file_names

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.inputs import EvaluationInputs
    from clcap_cli.features.image_files import ImageFile


def build_encoders(
    settings: EncoderSettings, compute: ComputeSettings, inputs: "EvaluationInputs", features: Path | None
) -> tuple[SentenceEncoder, ClipEncoder | None]:
    """The sentence encoder, and CLIP if its folder is given; ``features`` records where the images are.

    Raises ClcapError if a given folder has no usable encoder.
    """
    start_device = cache(compute.start)
    find_files = partial(_image_files, inputs=inputs, folders=settings.images, features=features)
    clip = ClipEncoder(settings.clip, start_device, find_files) if settings.clip else None
    sentence_encoder = SentenceEncoder(settings.sentence_encoder, start_device)
    if clip is not None:
        from clcap_cli.features.pixel_limit import limit_pixels

        limit_pixels(settings.max_pixels)
        clip.check()
    if settings.sentence_encoder is not None:
        sentence_encoder.check()
    return sentence_encoder, clip


def _image_files(
    ids: "Sequence[ImageId]", inputs: "EvaluationInputs", folders: list[Path] | None, features: Path | None
) -> "list[ImageFile]":
    """The files of the images ``ids`` of the references, in the given folders or those that features.h5 records.

    Raises ClcapError if an image is not found.
    """
    from clcap_cli.features.readable_files import find_files
    from clcap_cli.features.recorded_folders import recorded_image_folders

    folders = folders or (recorded_image_folders(features) if features else [])
    if not folders:
        raise ClcapError("CLIP needs the images, whose folder is not recorded or has moved; give it with --images")
    names = file_names(ids, inputs)
    found = find_files(folders, names)
    if found.missing:
        first, reason = next(iter(found.missing.items()))
        unnamed = any(not Path(names[id]).suffix for id in found.missing)
        raise ClcapError(
            f"{len(found.missing):,} of {len(ids):,} images are not found, the first is image {first}: {reason}; give "
            f"all folders of the images with --images{', or references that list their file names' if unnamed else ''}"
        )
    return [found.files[id] for id in ids]
