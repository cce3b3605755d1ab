"""The option that limits the size of images, described once for all stages that decode images."""

from typing import Annotated

from annotated_types import Ge, Le

from clcap_cli.options import Option, Panel

DEFAULT_MAX_PIXELS = 89_478_485
"""Maximum number of pixels of an image; the number from which Pillow warns, 9,459 by 9,459."""

MaxPixels = Annotated[
    int,
    Ge(1),
    Le(2**32),
    Option(
        "Maximum number of pixels of an image; larger ones are unreadable, except JPEG and JPEG 2000, which are "
        "decoded at a reduced scale. Decoding takes up to 20 bytes of memory per pixel.",
        Panel.COMPUTATION,
    ),
]
