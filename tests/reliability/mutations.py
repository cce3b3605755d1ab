"""Mutations of the bytes of a file, for every format."""

from collections.abc import Callable, Sequence
from random import Random

Mutator = Callable[[bytes, Random], bytes]
"""Returns a mutated copy of a file's content; the same content and random state give the same copy."""

EXTREMES = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
"""Values for integer fields; a field takes the lowest bytes of a value."""
LONGEST_BLOCK = 512
"""Longest block in bytes that is moved, removed or repeated once."""
MANY = 200
"""Largest number of repetitions of a block."""


def _place(content: bytes, random: Random) -> int:
    return random.randrange(len(content) + 1)


def _block(content: bytes, random: Random) -> tuple[int, int]:
    start = _place(content, random)
    return start, min(start + random.randint(1, LONGEST_BLOCK), len(content))


def flip_bits(content: bytes, random: Random) -> bytes:
    """Flip one to eight bits anywhere."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 8) if changed else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def set_run(content: bytes, random: Random) -> bytes:
    """Replace a block by zeros, ones or random bytes."""
    start, stop = _block(content, random)
    fill = random.choice([bytes(stop - start), b"\xff" * (stop - start), random.randbytes(stop - start)])
    return content[:start] + fill + content[stop:]


def truncate(content: bytes, random: Random) -> bytes:
    """Cut off the end."""
    return content[: _place(content, random)]


def remove_block(content: bytes, random: Random) -> bytes:
    """Remove a block."""
    start, stop = _block(content, random)
    return content[:start] + content[stop:]


def repeat_block(content: bytes, random: Random) -> bytes:
    """Repeat a block once or many times."""
    start, stop = _block(content, random)
    return content[:stop] + content[start:stop] * random.choice([1, 2, MANY]) + content[stop:]


def move_block(content: bytes, random: Random) -> bytes:
    """Copy a block over another place."""
    start, stop = _block(content, random)
    place = _place(content, random)
    return content[:place] + content[start:stop] + content[place + stop - start :]


def set_integer(content: bytes, random: Random) -> bytes:
    """Set an integer field of one, two, four or eight bytes to an extreme value."""
    size, order = random.choice([1, 2, 4, 8]), random.choice(["little", "big"])
    value = random.choice(EXTREMES) % 256**size
    place = _place(content, random) // size * size
    return content[:place] + value.to_bytes(size, order) + content[place + size :]  # type: ignore[arg-type]


GENERAL: tuple[Mutator, ...] = (
    flip_bits,
    set_run,
    truncate,
    remove_block,
    repeat_block,
    move_block,
    set_integer,
    set_integer,
)


def insert_token(tokens: Sequence[bytes]) -> Mutator:
    """A mutator that inserts one of ``tokens``, or writes it over what is there."""

    def insert(content: bytes, random: Random) -> bytes:
        token, place = random.choice(tokens), _place(content, random)
        return content[:place] + token + content[place + random.choice([0, len(token)]) :]

    return insert


def splice(others: Sequence[bytes]) -> Mutator:
    """A mutator that joins the start of a file with the end of one of ``others``."""

    def join(content: bytes, random: Random) -> bytes:
        other = random.choice(others)
        return content[: _place(content, random)] + other[_place(other, random) :]

    return join
