"""Trying a tokenizer.json in a process with limits, before this process uses it.

The library ``tokenizers`` ends its process when memory runs out, and a few bytes of JSON can describe a normalizer that
makes gigabytes of each caption.
"""

import subprocess
import sys
from functools import cache

from clcap_cli.errors import ClcapError

CAPTION = "A dog runs on grass, 2 cats don't."
PROGRAM = "import sys; sys.path[:] = {path}; from {module} import main; main()"
BASE_MEMORY, MEMORY_PER_BYTE = 2**30, 60
"""Bytes of memory that a tokenizer may take, and more for each byte of its file."""
BASE_SECONDS, BYTES_PER_SECOND = 5, 10**6
"""Processor time in seconds that a tokenizer may take, and how many bytes of its file give it another second."""
INVALID = 3
"""Exit status for a file that the library refuses by an error, which is reported when it is read again."""


@cache
def check_tokenizer(content: str, name: str) -> None:
    """Raise ClcapError if a tokenizer.json exceeds the limits or crashes the library; ``name`` is used in messages."""
    program = PROGRAM.format(path=sys.path, module=__name__)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=content.encode("utf-8", "replace"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode not in (0, INVALID):
        raise ClcapError(
            f"{name} is not a usable tokenizer: it crashes the package tokenizers, or needs more memory or time for a "
            "caption than any tokenizer does"
        )


def main() -> None:
    """Split a caption with the tokenizer.json from stdin; runs in the process with limits."""
    content = sys.stdin.buffer.read().decode()
    import tokenizers

    _limit(len(content))
    try:
        pipeline = tokenizers.Tokenizer.from_str(content)
        pipeline.decode(pipeline.encode(CAPTION).ids)
    except Exception:
        sys.exit(INVALID)


def _limit(size: int) -> None:
    try:
        import resource
    except ImportError:  # not on every system
        return
    memory, seconds = BASE_MEMORY + MEMORY_PER_BYTE * size, BASE_SECONDS + size // BYTES_PER_SECOND
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
