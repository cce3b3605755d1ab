"""Settings of training from pictures in place of stored features, and of training their encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from clcap_cli.errors import InvalidValueError
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS, MaxPixels
from clcap_cli.input_files import InputFolderOrTar
from clcap_cli.options import Option, Panel
from clcap_cli.training.settings import Optimisation

NEEDS_PICTURES = "it is for training from pictures; give --images or --train-encoder"


@dataclass(frozen=True)
class PictureSettings:
    """Pictures that are read in training, and the training of their encoder."""

    images: Annotated[
        list[Path] | None,
        InputFolderOrTar(),
        Option(
            "Folder or tar archive of image files, from which features are computed during training.",
            Panel.DATA,
            "stored features; with --train-encoder, the recorded folders",
        ),
    ] = None
    train_encoder: Annotated[
        bool,
        Option(
            "Train the image encoder too, except its batch normalisation; the checkpoint then holds the encoder.",
            Panel.MODEL,
            name="--train-encoder",
        ),
    ] = False
    augment: Annotated[
        bool | None,
        Option(
            "Train on random parts of the pictures, 70 to 100% of the area, or on whole pictures.",
            Panel.DATA,
            "on with --train-encoder",
            name="--augment/--no-augment",
        ),
    ] = None
    weights: Annotated[
        str | None,
        Option(
            "Backbone weights, a state dict file, to compute features from pictures.",
            Panel.MODEL,
            "those recorded",
            placeholder="FILE",
        ),
    ] = None
    skip_bad: Annotated[
        bool, Option("Skip missing and unreadable pictures, and list them.", Panel.DATA, name="--skip-bad")
    ] = False
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS

    @property
    def are_used(self) -> bool:
        """Whether the model reads pictures in place of stored features."""
        return bool(self.images) or self.train_encoder

    @property
    def views_vary(self) -> bool:
        """Whether training sees random parts of the pictures."""
        return self.train_encoder if self.augment is None else self.augment


def check_picture_options(given: Mapping[str, Any], only_with_pictures: Sequence[str] = ()) -> None:
    """Raise InvalidValueError for options that need pictures or a trained encoder, where there are none.

    ``only_with_pictures`` are further parameters of this kind, whose default is None.
    """
    pictures: PictureSettings = given["pictures"]
    if not pictures.train_encoder and given["optimisation"].encoder_lr != Optimisation.encoder_lr:
        raise InvalidValueError("encoder_lr", "it is the learning rate of --train-encoder, which is not given")
    if pictures.are_used:
        return
    for name in ("augment", "weights", "skip_bad", "max_pixels"):
        if getattr(pictures, name) != getattr(PictureSettings, name):
            raise InvalidValueError(name, NEEDS_PICTURES)
    for name in only_with_pictures:
        if given[name] is not None:
            raise InvalidValueError(name, NEEDS_PICTURES)
