"""All segmentations: those of clcap, those of installed packages, and those of tokenizer.json files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clcap_cli.errors import ClcapError, unknown_name_error
from clcap_cli.input_files import is_file
from clcap_cli.registry import NameIn, Registry

if TYPE_CHECKING:
    from clcap_cli.segmentation.segmenter import Segmenter

SEGMENTERS: "Registry[Segmenter]" = Registry(
    "segmentation",
    "clcap.segmenters",
    {
        "words": "clcap_cli.segmentation.words:SEGMENTER",
        "characters": "clcap_cli.segmentation.characters:SEGMENTER",
        "whitespace": "clcap_cli.segmentation.whitespace:SEGMENTER",
        "jieba": "clcap_cli.segmentation.chinese:SEGMENTER",
        "mecab": "clcap_cli.segmentation.japanese:SEGMENTER",
        "thai": "clcap_cli.segmentation.thai:SEGMENTER",
    },
)


def segmenter_named(name: str) -> "Segmenter":
    """The segmenter called ``name``; raises ClcapError for an unknown name, and for other objects of packages."""
    from clcap_cli.segmentation.segmenter import Segmenter

    segmenter = SEGMENTERS.get(name)
    if not isinstance(segmenter, Segmenter) or segmenter.name != name:
        raise ClcapError(f"the segmentation '{name}' of an installed package is not a clcap Segmenter of that name")
    return segmenter


def open_segmenter(value: str) -> "Segmenter":
    """The segmenter that ``value`` of --tokenize stands for: a name, or the path of a tokenizer.json.

    Raises ClcapError if it is neither, if the file is invalid, and if a package is not installed.
    """
    if value not in SEGMENTERS.names:
        from clcap_cli.segmentation.subwords import read_tokenizer_json, subword_segmenter

        return subword_segmenter(read_tokenizer_json(Path(value)), value)
    segmenter = segmenter_named(value)
    segmenter.check_packages()
    return segmenter


def segmenter_from_record(record: dict[str, Any], name: str) -> "Segmenter":
    """The segmenter that ``record`` describes; ``name`` names the file with the record in messages.

    Raises KeyError for a damaged record, and ClcapError for an unknown segmentation.
    """
    if "json" in record:
        from clcap_cli.segmentation.subwords import subword_segmenter

        return subword_segmenter(record["json"], name)
    if record["name"] not in SEGMENTERS.names:
        raise ClcapError(
            f"{name} was split with --tokenize {record['name']}, which clcap does not include; install the package "
            "that adds it"
        )
    return segmenter_named(record["name"])


@dataclass(frozen=True)
class SegmentationName(NameIn):
    """Annotation of a parameter that names a segmentation, or the file of a tokenizer."""

    location: str = "clcap_cli.segmentation.registry:SEGMENTERS"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """See NameIn; Python callers may also pass a Path."""
        from pydantic_core import core_schema

        def as_text(value: object) -> object:
            return str(value) if isinstance(value, Path) else value

        return core_schema.no_info_before_validator_function(
            as_text, super().__get_pydantic_core_schema__(source, handler)
        )

    def checked(self, value: str | None) -> str | None:
        """See NameIn; the path of a file and a name that ends in .json are accepted."""
        names = self.registry.names
        if value is None or value in names or value.endswith(".json") or is_file(Path(value)):
            return value
        raise ValueError(str(unknown_name_error(self.registry.kind, value, names)))

    def check(self, value: str) -> None:
        """Raise ClcapError unless captions can be split this way here."""
        open_segmenter(value)
