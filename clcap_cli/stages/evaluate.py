"""evaluate: a checkpoint, or anybody's captions -> quality and distinctiveness, each with its interval."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from clcap_cli.compute import Compute
from clcap_cli.console import say
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, some, unknown_name
from clcap_cli.options import Argument, Option
from clcap_cli.stages.compared_with import corpus_of, rank_columns, similar_to, training_columns
from clcap_cli.stages.options import CaptionsFile, FeaturesFile, Out, Seed, Split
from clcap_cli.stages.pairing import Pairing, captioned, predicted, read
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.metrics.quality import Quality

FEW = 100
"""Images: with fewer, CIDEr is hardly comparable with what others report."""


@stage
def evaluate(
    subject: Annotated[Path | None, Argument("A captioner, *.pt, or COCO results, *.json.")] = None,
    predictions: Annotated[
        Path | None,
        Option("Captions from anywhere: a table or COCO results, any ids."),
    ] = None,
    references: Annotated[
        Path | None,
        Option("What people wrote: a table, a COCO captions file, or captions.h5; default: the chain's captions.h5."),
    ] = None,
    references_per_image: Annotated[
        int | None,
        Ge(1),
        Option("Use the first so many: 5 for COCO's c5, 40 for its c40."),
    ] = None,
    only_common: Annotated[
        bool, Option("Score the images that have both, whatever else there is.", "--only-common")
    ] = False,
    metrics: Annotated[str, Option("Which, parted by commas.")] = "BLEU,METEOR,ROUGE_L,CIDEr,SPICE",
    cider_df: Annotated[
        Path | None,
        Option(
            "Captions to count CIDEr's document frequencies in, any that --references takes (of captions.h5 its "
            "training split); default: the references."
        ),
    ] = None,
    spice_models: Annotated[Path | None, Option("Folder of SPICE's models, if pycocoevalcap has none.")] = None,
    retrieval: Annotated[
        Path | None,
        Option("*.retrieval.json of these captions, to have its figures here too."),
    ] = None,
    submission: Annotated[
        Path | None,
        Option(
            "Folder for the two files that COCO's server takes; the captions are of val2014, and --test-results "
            "has those of test2014."
        ),
    ] = None,
    test_results: Annotated[Path | None, Option("With --submission: COCO results of test2014.")] = None,
    split: Split = "test",
    out: Out = None,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    seed: Seed = 0,
    decoding: DecodingSettings = DecodingSettings(),
    compute: Compute = Compute(),
) -> Path:
    """Score captions against what people wrote, exactly as pycocoevalcap does, and say how much they differ.

    BLEU, METEOR, ROUGE_L and SPICE go from 0 to 1, CIDEr from 0 to 10. A checkpoint first captions the split; a
    results file is compared with the split's images. A table (.csv, .jsonl, .parquet) has the columns image_id and
    caption, a text or a list of texts; an image may have any number of references. Every figure has a 95% confidence
    interval over images, drawn by --seed. Captions are also compared with the training captions of captions.h5 and, by
    features.h5, with the references of similar images, where the chain or --captions and --features have them.

    Example: clcap evaluate nt_cl.captions.json --split test --out nt_cl.metrics.json

    Example: clcap evaluate --predictions mine.csv --references people.jsonl --out mine.metrics.json
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.cards import cards_of
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS, write_figures
    from clcap_cli.metrics.distinctiveness import cider_between
    from clcap_cli.metrics.figures import distinctiveness_figures, retrieval_figures, vocabulary_share
    from clcap_cli.metrics.quality import score_captions
    from clcap_cli.metrics.resampling import draw, measured
    from clcap_cli.metrics.signature import own_signature

    chosen = _chosen(metrics)
    origin = Origin("evaluate", settings)
    if predictions is not None and subject is None:
        subject, pairing = predictions, predicted(predictions, references, split, origin)
    elif subject is None or predictions is not None:
        raise ClcapError("give either a checkpoint or COCO results, or captions from anywhere with --predictions")
    elif subject.suffix == ".pt":
        pairing = captioned(subject, references, split, decoding, captions, features, compute, seed, origin)
    else:
        pairing = read(subject, references, split, captions, origin)
    said = pairing.common(subject, only_common)
    people = _first(pairing.people, said, references_per_image)
    inputs = [path for _, path, _ in origin.inputs]
    out = check_writable(out or subject.with_name(f"{_name(subject)}.metrics.json"), inputs)
    if submission is not None or test_results is not None:
        _submit(subject, test_results, submission)
    ranked = rank_columns(retrieval, said, origin) if retrieval else {}
    corpus, frequencies = corpus_of(cider_df, origin)
    vocabulary, columns = training_columns(said, pairing, captions, origin)
    similar = similar_to(list(said), pairing, features, origin)
    if corpus is None and "CIDEr" in chosen and len(said) < FEW:
        say(f"CIDEr's document frequencies come from these {len(said)} images only; --cider-df takes more captions")
    say(f"scoring {len(said)} captions against {sum(map(len, people.values()))} references")
    draws = draw(len(said), seed)
    quality = score_captions(said, people, draws, chosen, corpus, spice_models)
    if not quality.scores:
        raise ClcapError("; ".join(quality.not_scored.values()))
    if similar is not None:
        texts = quality.texts
        columns["CIDErBtw"] = cider_between(texts.captions, texts.references, similar, corpus).tolist()
    columns |= ranked
    images = _by_image(said, quality, columns)
    further = distinctiveness_figures(images) | (retrieval_figures(images) if ranked else {})
    if vocabulary is not None:
        further["vocabulary_share_of_training"] = vocabulary_share(list(said.values()), vocabulary)
    values, intervals = measured(further, draws)
    values["vocabulary_used"] = int(values["vocabulary_used"])
    left_out = {"captions": len(pairing.said) - len(said), "images": len(pairing.people) - len(said)}
    counts = {"images": len(said), "unique_captions": len(set(said.values())), "left_out": left_out}
    shared = _shared_signature(quality, split, pairing)
    own = {name: own_signature(name, frequencies) for name in [*quality.figures, *({"CIDErBtw"} & set(columns))]}
    more = {
        "intervals": quality.intervals | intervals,
        "signatures": {name: f"{text}|{shared}" for name, text in own.items()},
        "not_scored": quality.not_scored,
    }
    write_figures(
        out,
        METRICS,
        quality.figures | values | counts,
        images,
        origin,
        more,
        {"made_from": [card.model_dump() for card in cards_of(origin)]},
    )
    _say_scores(quality, own, shared)
    return out


def _chosen(metrics: str) -> list[str]:
    """The metrics that --metrics names."""
    from clcap_cli.metrics.quality import METRICS

    names = [name.strip() for name in metrics.split(",") if name.strip()]
    known = {name.upper(): name for name in METRICS}
    for name in names:
        if name.upper() not in known:
            raise unknown_name("metric", name, METRICS)
    if not names:
        raise ClcapError(f"--metrics names none; there are: {', '.join(METRICS)}")
    return [known[name.upper()] for name in names]


def _submit(results: Path, test_results: Path | None, folder: Path | None) -> None:
    """Write the files for COCO's server, after checking what it checks."""
    from clcap_cli.artifacts.results import open_caption_results
    from clcap_cli.artifacts.submission import write_submission

    if folder is None:
        raise ClcapError("--test-results are for a submission; give its folder with --submission")
    if test_results is None:
        raise ClcapError("--submission writes captions of val2014 and of test2014; give the latter with --test-results")
    if results.suffix != ".json":
        raise ClcapError(f"--submission takes COCO results, *.json, not {results}; clcap caption writes them")
    sets = {"val2014": open_caption_results(results), "test2014": open_caption_results(test_results)}
    for path in write_submission(folder, _name(results).replace("_", "-"), sets):
        say(f"wrote {path}")


def _first(
    people: "Mapping[ImageId, Sequence[str]]", said: "Mapping[ImageId, str]", wanted: int | None
) -> "dict[ImageId, Sequence[str]]":
    """The references of the captions' images, the first ``wanted`` of each."""
    few = [id for id in said if wanted and len(people[id]) < wanted]
    if few:
        raise ClcapError(
            f"{len(few)} of {len(said)} images have fewer than {wanted} references, which --references-per-image asks "
            f"for: {some(few)}"
        )
    return {id: people[id][:wanted] for id in said}


def _by_image(said: "Mapping[ImageId, str]", quality: "Quality", columns: "Mapping[str, Sequence]") -> list[dict]:
    texts, scores = quality.texts, quality.by_image()
    columns = {"tokenised": texts.captions, "references": texts.references, **columns}
    return [
        {
            "image_id": id,
            "caption": said[id],
            **scores[id],
            **{name: values[at] for name, values in columns.items()},
        }
        for at, id in enumerate(texts.ids)
    ]


def _shared_signature(quality: "Quality", split: str, pairing: Pairing) -> str:
    from clcap_cli.digests import digest_of_json
    from clcap_cli.metrics.signature import shared_signature

    split = split if pairing.splits else "all"
    which = f"{split}#{digest_of_json(sorted(map(str, quality.texts.ids)))[:8]}"
    return shared_signature(quality.texts, split=which, decoding=pairing.decoding, precision=pairing.precision)


def _say_scores(quality: "Quality", own: "Mapping[str, str]", shared: str) -> None:
    for name, why in quality.not_scored.items():
        say(f"{name} is not scored: {why}")
    for name, value in quality.figures.items():
        ends = quality.intervals.get(name)
        interval = f"  95% [{ends[0]:.4f}, {ends[1]:.4f}]" if ends else ""
        say(f"{name:<7} {value:.4f}{interval}  {own[name]}")
    say(f"        {shared}")


def _name(subject: Path) -> str:
    return subject.name.removesuffix(subject.suffix).removesuffix(".captions")
