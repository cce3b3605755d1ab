"""A part of the images, whose features are extracted into a file of their own. This module is fast to import."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from clcap_cli.compute.processes import Processes, processes
from clcap_cli.errors import ClcapError, InvalidValueError

Id = TypeVar("Id")
Name = TypeVar("Name")
BATCH_SIZE = 32
"""Number of images whose features are computed together."""


@dataclass(frozen=True)
class Shard:
    """One of several parts of the images, counted from 0."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard that a text such as 3/16 describes; raises ValueError if it describes none."""
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
        if not found:
            raise ValueError(f"expected a part and the number of parts, such as 3/16, not '{text}'")
        if not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"expected a part from 1 to the number of parts, not '{text}'")
        return cls(int(found[1]) - 1, int(found[2]))

    def path(self, out: Path) -> Path:
        """The shard's file beside the index ``out``: ``features-00003-of-00016.h5`` for the third of 16."""
        return out.with_name(f"{out.stem}-{self.number + 1:05}-of-{self.count:05}{out.suffix}")

    def images_of(self, names: Mapping[Id, Name]) -> dict[Id, Name]:
        """The images of this shard: whole batches, so that features do not depend on the number of shards.

        Raises ClcapError if there are fewer batches than shards.
        """
        ids = list(names)
        starts = Processes(self.number, self.count).share(range(0, len(ids), BATCH_SIZE))
        if not starts:
            batches = -(-len(ids) // BATCH_SIZE)
            raise ClcapError(
                f"{len(ids):,} images are only {batches:,} batches of {BATCH_SIZE}, too few for {self.count:,} parts; "
                f"use at most {batches:,} parts or processes"
            )
        return {id: names[id] for id in ids[starts[0] : starts[-1] + BATCH_SIZE]}


class ShardValue:
    """Annotation of a parameter that describes a shard."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def checked(self, value: str | None) -> str | None:
        """Return ``value``; raises ValueError if it describes no shard."""
        if value is not None:
            Shard.parse(value)
        return value


def own_shard(given: str | None) -> Shard | None:
    """The part of the images that this process extracts: the given one or, of several processes, its own.

    None stands for all images. Raises InvalidValueError if both would apply.
    """
    here = processes()
    if given and here.count > 1:
        raise InvalidValueError("shard", "each process of torchrun extracts a part of its own; leave it out")
    if here.count > 1:
        return Shard(here.rank, here.count)
    return Shard.parse(given) if given else None
