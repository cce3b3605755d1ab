"""Correlation of metrics with the expert judgements of Flickr8k (Hodosh et al. 2013).

Each line of ExpertAnnotations.txt has an image, the id of a caption that was written for some image, and three
judgements of that caption from 1 to 4. Pairs whose caption is one of the image's own are left out, which leaves 5,664
of 5,822, as in the papers of SPICE (Anderson et al. 2016) and CLIPScore (Hessel et al. 2021).

Usage: python human_judgement.py prepare EXPERT TOKENS FOLDER
       python human_judgement.py correlate EXPERT TOKENS METRICS
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

CAPTION_LINE = re.compile(r"(\S+)#(\d+)\s+(.*\S)\s*")
JUDGED_LINE = re.compile(r"(\S+)\s+(\S+)\s+([1-4])\s+([1-4])\s+([1-4])\s*")


class Pair(NamedTuple):
    """A caption that experts judged as the description of an image."""

    image: str
    caption: str
    judgements: tuple[int, ...]


class Judged(NamedTuple):
    """The judged pairs and the references of their images."""

    pairs: list[Pair]
    references: dict[str, list[str]]
    left_out: int
    """Number of pairs whose caption is one of the image's own references."""


def read_judgements(expert: Path, tokens: Path) -> Judged:
    """Read ExpertAnnotations.txt and Flickr8k.token.txt; exits with a message for a line of another form."""
    by_id = dict(_captions(tokens))
    references: dict[str, list[str]] = defaultdict(list)
    for id, caption in by_id.items():
        references[id.rpartition("#")[0]].append(caption)
    pairs = list(_pairs(expert, by_id, references))
    kept = [pair for pair in pairs if pair.caption not in references[pair.image]]
    if not kept:
        sys.exit(f"error: {expert} has no pair of an image and a caption of another image")
    _check_defined(kept, expert)
    return Judged(kept, {pair.image: references[pair.image] for pair in kept}, len(pairs) - len(kept))


def _check_defined(pairs: Sequence[Pair], expert: Path) -> None:
    """Exit with a message for pairs that give tau-c no order to compare."""
    judgements = {judgement for pair in pairs for judgement in pair.judgements}
    if len({(pair.image, pair.caption) for pair in pairs}) == 1:
        sys.exit(f"error: {expert} has one caption to score; Kendall's tau-c is undefined for fewer than two")
    if len(judgements) == 1:
        sys.exit(
            f"error: {expert}: all judgements are {judgements.pop()}; Kendall's tau-c is undefined if all are equal"
        )


def _captions(tokens: Path) -> Iterator[tuple[str, str]]:
    """The id and the text of every caption."""
    for number, line in _lines(tokens):
        match = CAPTION_LINE.fullmatch(line)
        if match is None:
            sys.exit(f"error: {tokens}, line {number}: expected IMAGE#NUMBER, a tab and a caption, not '{line[:60]}'")
        yield f"{match[1]}#{match[2]}", match[3]


def _pairs(expert: Path, captions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    for number, line in _lines(expert):
        match = JUDGED_LINE.fullmatch(line)
        if match is None:
            sys.exit(
                f"error: {expert}, line {number}: expected an image, a caption's id and three judgements of 1 to 4"
            )
        image, caption, *judgements = match.groups()
        if image not in references or caption not in captions:
            missing = image if image not in references else caption
            sys.exit(f"error: {expert}, line {number}: {missing} has no caption in the file of captions")
        yield Pair(image, captions[caption], tuple(map(int, judgements)))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbers and texts of the lines that are not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"error: {path} cannot be read: {error}")
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def prepare(judged: Judged, folder: Path) -> None:
    """Write the files that ``clcap evaluate`` scores.

    ``documents.jsonl`` has the references of every pair. The published correlations of CIDEr count its document
    frequencies in these, so that an image counts once for each of its judged captions.
    """
    captions: dict[str, dict[str, None]] = defaultdict(dict)
    for pair in judged.pairs:
        captions[pair.image][pair.caption] = None
    documents = {str(number): judged.references[pair.image] for number, pair in enumerate(judged.pairs)}
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "predictions.jsonl", {image: list(texts) for image, texts in captions.items()})
    _write(folder / "references.jsonl", judged.references)
    _write(folder / "documents.jsonl", documents)


def _write(path: Path, captions: Mapping[str, Sequence[str]]) -> None:
    lines = [json.dumps({"image_id": id, "caption": list(texts)}) + "\n" for id, texts in captions.items()]
    path.write_text("".join(lines), encoding="utf-8")


def correlations(judged: Judged, images: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Kendall's tau-c of each metric with the judgements, times 100, from the images of a metrics file.

    Every judgement of a pair counts as one observation. A metric is a value that all captions have as a number. The
    correlation of a metric with the same value for all captions is nan.
    """
    from scipy.stats import kendalltau

    records = {(image["image_id"], one["caption"]): one for image in images for one in image.get("captions", [image])}
    judgements = [judgement for pair in judged.pairs for judgement in pair.judgements]
    scored = [records[pair.image, pair.caption] for pair in judged.pairs for _ in pair.judgements]
    names = [name for name in scored[0] if all(isinstance(record.get(name), int | float) for record in scored)]
    return {
        name: 100 * kendalltau([record[name] for record in scored], judgements, variant="c").statistic for name in names
    }


def main(command: str, expert: str, tokens: str, path: str) -> None:
    """Run one of the two commands."""
    judged = read_judgements(Path(expert), Path(tokens))
    if command == "prepare":
        try:
            prepare(judged, Path(path))
        except OSError as error:
            sys.exit(f"error: {path} cannot be written: {error}")
        return
    found = correlations(judged, _images(Path(path)))
    print(f"{len(judged.pairs)} pairs; {judged.left_out} left out, whose caption is one of the image's own")
    width = max(map(len, found))
    print(f"{'metric':<{width}}  tau-c x 100")
    for name, tau in found.items():
        print(f"{name:<{width}}  {'undefined: all captions have the same value' if isnan(tau) else f'{tau:11.1f}'}")


def _images(metrics: Path) -> list[dict[str, Any]]:
    """The images of a metrics file; exits with a message for another file."""
    try:
        return json.loads(metrics.read_text(encoding="utf-8"))["images"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"error: {metrics} is not a metrics file of clcap evaluate: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in ("prepare", "correlate"):
        print(str(__doc__).rpartition("\n\n")[2], end="", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
