"""Captions in text files: CSV with all separators, Flickr's and Conceptual Captions'."""

from tests.datasets.test_formats_of_the_field import TEXT_FILES
from tests.reliability.foreign_seeds import numbered, read_caption_file
from tests.reliability.fuzzing import Format

TOKENS = (b'"', b",", b"\t", b";", b"|", b"\n", b"\r", b"\0", b"#0", b"'", b"[", b"]", b"{", b"}", b"\xef\xbb\xbf")
HOSTILE = (b"\xff\xfe", b"1e999", b"1" * 20_000, b"[" * 2000, b"\x1b]0;x\x07", b"../", b"=cmd|1", b"['a'" * 500)

SEEDS = numbered(content for content, _ in TEXT_FILES.values())
FORMAT = Format("captions_text", "captions.csv", read_caption_file, SEEDS, tokens=(*TOKENS, *HOSTILE))
