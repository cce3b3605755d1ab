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
    if trial_status(content) not in (0, INVALID):
        raise ClcapError(
            f"{name} is not a usable tokenizer: it crashes the package tokenizers, or needs more memory or time for a "
            "caption than any tokenizer does"
        )


def trial_status(content: str) -> int:
    """Exit status of a process that tries a tokenizer.json."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=sys.path, module=__name__)],
        input=content.encode("utf-8", "replace"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ).returncode


def main() -> None:
    """Try the tokenizer.json from stdin; runs in the process with limits."""
    content = sys.stdin.buffer.read().decode()
    import tokenizers  # noqa: F401  (not counted by the limits)

    _limit(len(content))
    sys.exit(try_tokenizer(content))


def try_tokenizer(content: str) -> int:
    """Split a caption with a tokenizer.json; returns the exit status of the process."""
    import tokenizers

    try:
        pipeline = tokenizers.Tokenizer.from_str(content)
        pipeline.decode(pipeline.encode(CAPTION).ids)
    except Exception:
        return INVALID
    return 0


def _limit(size: int) -> None:
    try:
        import resource
    except ImportError:  # not on every system
        return
    memory, seconds = BASE_MEMORY + MEMORY_PER_BYTE * size, BASE_SECONDS + size // BYTES_PER_SECOND
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
