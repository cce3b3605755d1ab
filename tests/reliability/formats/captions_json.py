"""Captions in JSON and JSON Lines: COCO, Karpathy's, lists of records and the other shapes of the field."""

from tests.datasets.test_formats_of_the_field import JSON_FILES
from tests.reliability.foreign_seeds import numbered, read_caption_file
from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json

SEEDS = numbered(content for content, found in JSON_FILES.values() if any(captions for *_, captions in found))
FORMAT = Format(
    "captions_json", "captions.json", read_caption_file, SEEDS, (mutate_json,), (*JSON_TOKENS, b"caption", b"image_id")
)
