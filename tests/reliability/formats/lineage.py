"""The chain of files that an artifact records, as show and later stages follow it."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import DATA, files_of

VERSION = DATA / "version3"


def read(path: Path) -> None:
    """Follow the chain, and collect the records of all files in it."""
    from clcap_cli.artifacts.lineage import read_provenance
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.run_cards import collect_run_cards
    from clcap_cli.stages.show import show

    captions = path.with_name("nt.captions.json")
    show(captions)
    found = read_provenance(captions)
    collect_run_cards(Origin("evaluate", {}, [("predictions", captions, found.id)]))


FORMAT = Format(
    "lineage",
    "nt.captions.provenance.json",
    read,
    files_of("nt.captions.provenance.json")[-1:],
    (mutate_json,),
    JSON_TOKENS,
    [VERSION / "nt.captions.json"],
)
