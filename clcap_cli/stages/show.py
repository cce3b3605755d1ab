"""show: describes a file of clcap and the chain of files that it was made from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.console import as_rich_text, stdout
from clcap_cli.errors import first_few
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.input_files import InputFile, is_file
from clcap_cli.options import Argument
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.comparisons import Comparison
    from clcap_cli.artifacts.feature_shards import ShardedRows
    from clcap_cli.artifacts.provenance import Provenance

OF_PYTORCH = ("clcap/checkpoint", "clcap/discriminator", "clcap/train-state")
"""Formats that are read with PyTorch, which takes seconds to import."""


@stage
def show(
    file: Annotated[Path, InputFile(), Argument("Any file.")],
) -> None:
    """Show what a file is and how it was made.

    Of a file that clcap wrote, the files that it was made from are listed too. Of any other file, it is said what it
    probably is and what to do with it.

    Example: clcap show nt_cl.pt
    """
    from clcap_cli.artifacts.lineage import read_provenance
    from clcap_cli.file_kinds.recognition import ForeignFileError
    from clcap_cli.stages.show_chain import chain
    from clcap_cli.stages.show_foreign import foreign_facts

    file = _record_of_partial(file)
    try:
        provenance = read_provenance(file)
    except ForeignFileError:
        _print_facts(foreign_facts(file))
        return
    facts = {
        "file": str(file),
        "kind": f"{description_of(provenance.format)}, {provenance.format} version {provenance.version}",
        "id": provenance.id,
        "made": f"{provenance.created} by clcap {provenance.clcap}, torch {provenance.torch}",
        "command": provenance.command,
        **_details(file, provenance),
    }
    _print_facts(facts)
    stdout().print(chain(file, provenance))


def _record_of_partial(file: Path) -> Path:
    """The record beside ``file`` if it has the features of an unfinished extract-features, otherwise ``file``."""
    record = file.with_suffix(".partial.json")
    return record if file.suffix == ".partial" and is_file(record) else file


def _print_facts(facts: "dict[str, str]") -> None:
    from rich.text import Text

    console = stdout()
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:<9}", "bold"), " ", as_rich_text(value)), soft_wrap=True)


def _details(file: Path, provenance: "Provenance") -> dict[str, str]:
    """Facts that depend on the format of the file."""
    if provenance.format in OF_PYTORCH:
        from clcap_cli.stages.show_models import FACTS

        return FACTS[provenance.format](file)
    return {
        "clcap/captions": _captions,
        "clcap/partial-features": _partial_features,
        "clcap/features": _features,
        "clcap/caption-results": _results,
        "clcap/attention": _attention,
        "clcap/references": _references,
        "clcap/export": _export,
        "clcap/log-probs": _log_probs,
        "clcap/comparison": _comparison,
        "clcap/neighbours": _cache,
        "clcap/tokens": _cache,
        "clcap/reference-log-probs": _cache,
    }.get(provenance.format, _metrics)(file)


def _captions(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.split_names import describe_sizes

    opened = open_captions(file)
    splits = describe_sizes(opened.splits.tolist())
    return {
        "images": splits,
        "captions": f"{len(opened.word_tokens.lengths)} of at most {opened.word_tokens.longest} words",
        "words": f"{len(opened.tokenizer)} with the end and unknown tokens",
        "segmentation": f"--tokenize {opened.tokenizer.segmenter.name}",
    }


def _references(file: Path) -> dict[str, str]:
    from clcap_cli.datasets.parsing import read_json

    content = read_json(file)
    return {"references": f"{len(content['annotations'])} of {len(content['images'])} images"}


def _export(file: Path) -> dict[str, str]:
    from clcap_cli.datasets.parsing import read_json

    return {"files": ", ".join(read_json(file)["files"])}


def _features(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.feature_shards import ShardedRows
    from clcap_cli.artifacts.features import open_features

    opened = open_features(file)
    backbone = opened.backbone
    return {
        "images": str(len(opened.ids)) + (f"; {len(opened.skipped)} left out" if len(opened.skipped) else ""),
        "backbone": backbone.description,
        "grid": f"{backbone.regions} regions of {backbone.grid_channels}; pooled {backbone.pooled_channels}",
        **({"shards": _shards(opened.pooled)} if isinstance(opened.pooled, ShardedRows) else {}),
    }


def _shards(rows: "ShardedRows") -> str:
    """The number of shards of an index, and those that are missing."""
    missing = [name for number, name in enumerate(rows.names) if not is_file(rows.path_of(number))]
    return f"{len(rows.names)} files beside it" + (f"; missing: {first_few(missing)}" if missing else "")


def _partial_features(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.output_lock import is_busy
    from clcap_cli.artifacts.partial_record import PartialRecord, rows_written
    from clcap_cli.datasets.parsing import read_json, validated

    record = validated(read_json(file), PartialRecord, file, "a complete record")
    done = f"{rows_written(file.with_suffix(''), record):,} of {record.images:,} done, in {file.stem}"
    return {
        "images": f"{done}; {'running' if is_busy(file) else 'extract-features --resume completes them'}",
        "backbone": record.backbone.description,
    }


def _log_probs(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.hdf5 import open_hdf5

    with open_hdf5(file) as (content, _):
        captions, images = content["log_prob"].shape
    return {"log_prob": f"{captions} captions under {images} images"}


def _cache(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.hdf5 import open_hdf5

    with open_hdf5(file) as (content, _):
        shapes = [" x ".join(map(str, values.shape)) for values in content["arrays"].values()]
    return {"arrays": ", ".join(shapes)}


def _results(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.results import open_caption_results

    captions = [text for own in open_caption_results(file).captions.values() for text in own]
    return {"captions": f"{len(captions)}, {len(set(captions))} unique"}


def _metrics(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.results import open_results

    opened = open_results(file)
    estimated = {"estimated": f"from {opened.estimate}"} if opened.estimate else {}
    return {"metrics": "  ".join(f"{name} {value:.4g}" for name, value in opened.metrics.items()), **estimated}


def _attention(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.attention import open_attention

    opened = open_attention(file)
    captions = [one for own in opened.captions.values() for one in own]
    tokens = sum(len(one.ends) for one in captions)
    return {
        "captions": f"{len(captions)} of {len(opened.captions)} images, {tokens:,} tokens",
        "weights": f"{opened.features.regions} regions{' and a sentinel' if opened.has_sentinel else ''}",
    }


def _not_comparable(comparison: "Comparison") -> str:
    names = [name for name, found in comparison.metrics.items() if found.verdict == "not comparable"]
    return f", not comparable: {', '.join(names)}" if names else ""


def _comparison(file: Path) -> dict[str, str]:
    from clcap_cli.artifacts.comparisons import open_comparison

    return {
        "compared": "; ".join(
            f"{one.second} against {one.first}: "
            + (
                ", ".join(f"{name} {found.verdict}" for name, found in one.metrics.items() if found.significant)
                or "no significant difference"
            )
            + f" ({one.seed_test or 'over images'})"
            + _not_comparable(one)
            for one in open_comparison(file)
        )
    }
