"""Options of metrics that compare embeddings: their encoders, and the images that they read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clcap_cli.errors import InvalidValueError
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS, MaxPixels
from clcap_cli.input_files import InputFolder, InputFolderOrTar
from clcap_cli.options import Option, Panel

BY_CLIP = ("CLIPScore", "RefCLIPScore", "CLIP-retrieval")
USED_BY = {"sentence_encoder": ("SBERT-sim",), "clip": BY_CLIP, "images": BY_CLIP, "max_pixels": BY_CLIP}
"""Metrics that use each option."""


@dataclass(frozen=True)
class EncoderSettings:
    """Encoders and images of the metrics that compare embeddings."""

    sentence_encoder: Annotated[
        Path | None,
        InputFolder(),
        Option(
            "Folder of the encoder of SBERT-sim, in the layout of sentence-transformers.",
            Panel.METRICS,
            "all-MiniLM-L6-v2, which clcap[hf] installs",
            placeholder="FOLDER",
        ),
    ] = None
    clip: Annotated[
        Path | None,
        InputFolder(),
        Option(
            "Folder of the CLIP model of CLIPScore, RefCLIPScore and CLIP-retrieval, as Hugging Face stores it.",
            Panel.METRICS,
            "none",
            placeholder="FOLDER",
        ),
    ] = None
    images: Annotated[
        list[Path] | None,
        InputFolderOrTar(),
        Option(
            "Folder or tar archive of the images, for the metrics of CLIP, and for a checkpoint that computes its "
            "features from pictures.",
            Panel.METRICS,
            "the recorded folders",
        ),
    ] = None
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS

    def check_folders(self) -> None:
        """Raise ClcapError if a given folder has no encoder of its kind, by its small files."""
        from clcap_cli.encoders.layout import check_clip_folder, check_sentence_folder

        if self.clip is not None:
            check_clip_folder(self.clip)
        if self.sentence_encoder is not None:
            check_sentence_folder(self.sentence_encoder)

    def check_metrics(self, metrics: str | None, of_checkpoint: bool = False) -> None:
        """Raise InvalidValueError if ``metrics``, the value of --metrics, and these options do not need each other.

        The captions may be those ``of_checkpoint``, whose encoder can need the images too.
        """
        named = {name.strip().upper() for name in (metrics or "").split(",")}
        for option, users in USED_BY.items():
            if of_checkpoint and option == "images":
                continue
            if getattr(self, option) != getattr(EncoderSettings, option) and not named & {
                user.upper() for user in users
            }:
                raise InvalidValueError(option, f"only for {', '.join(users)}; name the metric with --metrics")
        if self.clip is None and (asked := [user for user in BY_CLIP if user.upper() in named]):
            raise InvalidValueError("metrics", f"{asked[0]} needs a CLIP model; give its folder with --clip")
