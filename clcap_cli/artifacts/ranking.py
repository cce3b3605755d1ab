"""Who wrote the captions of a ``*.retrieval.json``, and which model ranked the images."""

from pathlib import Path

from pydantic import BaseModel

from clcap_cli.artifacts.provenance import Input, Provenance

OWN_MODEL = "own model"
"""The ranker in signatures where the model that wrote the captions ranks the images."""
DIGITS = 8
"""Number of digits of an id in signatures."""


class Party(BaseModel, frozen=True):
    """A model, or captions that no known model wrote."""

    name: str
    """Name of its file without suffixes."""
    id: str
    """Id of the checkpoint, or of the captions if no known checkpoint wrote them."""


class Ranking(BaseModel, frozen=True):
    """The captions of a self-retrieval and its ranker."""

    captions: Party
    """The model that wrote the captions, or the captions themselves."""
    ranker: Party
    """The model that ranks the images."""

    @property
    def own(self) -> bool:
        """Whether the model that wrote the captions ranks the images."""
        return self.captions.id == self.ranker.id

    @property
    def signature(self) -> str:
        """The ranker as text for signatures."""
        return OWN_MODEL if self.own else f"{self.ranker.name.replace('|', '_')}#{self.ranker.id[:DIGITS]}"

    @property
    def stem(self) -> str:
        """The name of the output, without suffixes."""
        return self.ranker.name if self.own else f"{self.captions.name}.by_{self.ranker.name}"


def captions_name(path: Path) -> str:
    """The name of a file of captions without its suffixes: "nt" for nt.captions.json."""
    return path.name.removesuffix(path.suffix).removesuffix(".captions")


def ranking_of_earlier_version(provenance: Provenance) -> Ranking | None:
    """The ranking of a file that does not state it; None if its inputs are not recorded either.

    Captions that were given are the ranker's own if their file is named after it.
    """
    checkpoint, given = provenance.input("checkpoint"), provenance.input("results")
    if checkpoint is None:
        return None
    ranker = _party(checkpoint)
    captions = ranker if given is None or _party(given).name == ranker.name else _party(given)
    return Ranking(captions=captions, ranker=ranker)


def _party(item: Input) -> Party:
    return Party(name=captions_name(Path(item.path)), id=item.id)
