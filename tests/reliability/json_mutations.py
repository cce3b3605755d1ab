"""Mutations of JSON that keep it valid, so that they reach what reads the values."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.reliability.mutations import Mutator

MARK = "\ue000"
"""Character in place of raw text that ``json.dumps`` would not write."""
RAW = (
    *("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" + "0" * 400, "1" + "0" * 5000, "-0", "1e-400"),
    *("9223372036854775808", "18446744073709551616", "2147483648", "0.1", "1e308", "-1", "0", "1"),
    *("null", "true", "false", "[]", "{}", "[[]]", "[null]", '{"": 1}', '{"a": 1, "a": 2}'),
    *(
        "[" * 50 + "]" * 50,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "[0" + ",0" * 20_000 + "]",
    ),
    *('""', '"\\u0000"', '"\\ud800"', '"\\u001b]0;x\\u0007"', '"\\u202e"', '"\\n"', '"' + "x" * 100_000 + '"'),
    *('"/dev/zero"', '"/proc/self/mem"', '"../../../../etc/passwd"', '"' + "../" * 5000 + '"', '"a\\u0000b"', '"."'),
    *('"=cmd|1"', '"{seed}"', '"(a+)+$"', '"clcap/checkpoint"', '"clcap/captions"', '"2026-01-01"'),
)
"""Values as JSON text: numbers beyond the limits, types that are not expected, and hostile texts."""
JSON_TOKENS = (b'"', b"{", b"[", b"]", b"}", b",", b":", b"\\", b"\\u0000", b"1e400", b"NaN", b"null", b'"provenance"')

Change = Callable[[Any, Random], None]


def json_mutator(read: Callable[[bytes], Any] = json.loads, write: Callable[[Any], str] | None = None) -> Mutator:
    """A mutator that changes one to three values of a JSON file; content that is no JSON stays as it is."""

    def mutate(content: bytes, random: Random) -> bytes:
        try:
            value = read(content)
        except (ValueError, RecursionError):
            return content
        raw: list[str] = []
        for _ in range(random.choice([1, 1, 2, 3])):
            value = changed(value, random, raw)
        text = (write or _compact)(value)
        for number, replacement in enumerate(raw):
            text = text.replace(json.dumps(f"{MARK}{number}{MARK}"), replacement)
        return text.encode("utf-8", "surrogatepass")

    return mutate


def _compact(value: Any) -> str:
    return json.dumps(value)


def changed(value: Any, random: Random, raw: list[str]) -> Any:
    """A copy of a JSON value with one change; raw JSON text is added to ``raw`` and marked in the copy."""
    root = [copy.deepcopy(value)]
    places = [place for place in places_in(root) if place[0] is not root] or [(root, 0)]
    container, key = random.choice(places)
    random.choice([_replace, _replace, _replace, _remove, _rename, _repeat, _copy_other])(
        container, key, random, raw, places
    )
    return root[0] if root else None


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """All places of values: pairs of a container and a key; a container that is used twice is listed once."""
    found: list[tuple[Any, Any]] = []
    waiting, listed = [value], set()
    while waiting:
        container = waiting.pop()
        if id(container) in listed:
            continue
        listed.add(id(container))
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found


def _replace(container: Any, key: Any, random: Random, raw: list[str], places: list) -> None:
    container[key] = f"{MARK}{len(raw)}{MARK}"
    raw.append(random.choice(RAW))


def _remove(container: Any, key: Any, random: Random, raw: list[str], places: list) -> None:
    del container[key]


def _rename(container: Any, key: Any, random: Random, raw: list[str], places: list) -> None:
    if isinstance(container, dict):
        name = random.choice(["", "x", "provenance", "__proto__", "\x1b[31m", "x" * 5000, f"{key} ", str(key).upper()])
        container[name] = container.pop(key)


def _repeat(container: Any, key: Any, random: Random, raw: list[str], places: list) -> None:
    count = random.choice([1, 2, 1000])
    if isinstance(container, list):
        container[key:key] = [container[key]] * count
    else:
        container |= {f"{key}{number}": container[key] for number in range(count)}


def _copy_other(container: Any, key: Any, random: Random, raw: list[str], places: list) -> None:
    other, other_key = random.choice(places)
    container[key] = copy.deepcopy(other[other_key])


def _lines_of(content: bytes) -> Any:
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def _as_lines(value: Any) -> str:
    records = value if isinstance(value, list) else [value]
    return "".join(f"{json.dumps(record)}\n" for record in records)


mutate_json = json_mutator()
mutate_json_lines = json_mutator(_lines_of, _as_lines)
