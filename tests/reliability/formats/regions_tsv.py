"""Region features in the tables of bottom-up attention."""

import base64

from tests.reliability.foreign_seeds import numbered
from tests.reliability.fuzzing import Format
from tests.reliability.region_seeds import REGIONS, read_regions


def line(key: int, regions: int) -> bytes:
    """The line of an image."""
    boxes, features = (
        base64.b64encode(array.tobytes()).decode() for array in (REGIONS[:regions, :4], REGIONS[:regions])
    )
    return "\t".join([str(key), "640", "480", str(regions), boxes, features]).encode() + b"\n"


TOKENS = (b"\t", b"\n", b"\r\n", b"999999", b"0", b"=", b"\0", b"\xff", b"image_id\timage_w")
FORMAT = Format("regions_tsv", "r.tsv", read_regions, numbered([line(7, 6) + line(8, 3), line(1, 1)]), tokens=TOKENS)
