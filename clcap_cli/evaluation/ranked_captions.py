"""The captions of a self-retrieval and the model that ranks the images, opened from files."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.compatibility import features_advice
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.lineage import RecordedArtifact, find_input, read_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.ranking import Party, Ranking, captions_name
from clcap_cli.artifacts.results import CaptionResults, open_caption_results
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info, print_warning
from clcap_cli.datasets.image_matching import describe_ways
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.readers import check_columns_exist
from clcap_cli.datasets.records import ImageId
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.caption_pool import CaptionPool
from clcap_cli.evaluation.empty_texts import describe_some_empty
from clcap_cli.evaluation.given_captions import captions_of_images, encode_given_captions, match_given
from clcap_cli.evaluation.inputs import decoding_signature
from clcap_cli.evaluation.model_inputs import DataPaths, OpenedModel, decode_texts, open_model
from clcap_cli.features.feature_sets import LivePictures
from clcap_cli.features.opening import feature_set_for
from clcap_cli.retrieval.pool import MIN_IMAGES

TRAINING_SPLIT = "train"
RANKER_FEATURES = "--ranker-features"


@dataclass(frozen=True)
class RetrievalPaths:
    """Paths given on the command line."""

    checkpoint: Path
    ranker: Path | None
    predictions: Path | None
    captions: Path | None
    features: Path | None
    ranker_features: Path | None
    images: Sequence[Path] | None
    """Folders of the pictures, for checkpoints that compute their features from them."""

    @property
    def data(self) -> DataPaths:
        """The data of the captioner."""
        return DataPaths(self.captions, self.features, self.images)


@dataclass(frozen=True)
class Queries:
    """Captions of N images, as tokens of the ranker's tokenizer."""

    texts: Sequence[str]
    tokens: Tensor
    """(N, T) int64"""
    lengths: Tensor
    """(N,) int64"""
    decoding: str
    """How the captions were decoded, as text for signatures."""
    matched_by: Mapping[str, int] = field(default_factory=dict)
    """Number of images by what given captions were matched by; empty for decoded captions."""

    @property
    def empty(self) -> list[int]:
        """Positions of the captions without a token."""
        return (self.lengths == 0).nonzero().flatten().tolist()


@dataclass(frozen=True)
class RankedCaptions:
    """Captions that are given or decoded, and the model that ranks the images."""

    captioner: OpenedModel
    """The model that decodes the captions if none are given."""
    ranker: OpenedModel
    given: CaptionResults | None
    ranking: Ranking
    features_option: str
    """Option for the features of the ranker."""
    recorded: RecordedArtifact
    """The captioner's checkpoint, whose features may also be those of the ranker."""

    def rows_of(self, split: str, only_common: bool) -> np.ndarray:
        """Rows in captions.h5 of the split's images that have features for both models.

        If ``only_common``, images without a given caption are left out. Raises ClcapError if the ranker's features lack
        images for another reason than --skip-bad, and if no image is left.
        """
        skipped = {id for model in (self.captioner, self.ranker) for id in model.features.skipped}
        rows = self.ranker.captions.rows_of(split, skipped)
        if self.given is not None and only_common:
            rows = _with_captions(rows, self.given, self.ranker.captions)
        self._check_features(self.ranker.captions.ids_of(rows))
        return rows

    def _check_features(self, ids: Sequence[ImageId]) -> None:
        ranker = self.ranker
        if isinstance(ranker.features, LivePictures):
            return
        missing = [id for id, row in zip(ids, ranker.features.image_rows.find(ids), strict=True) if row < 0]
        if missing:
            advice = features_advice(ranker.checkpoint, ranker.captions, self.features_option, [self.recorded])
            raise ClcapError(
                f"{ranker.features.path}, the features of {ranker.checkpoint.path}, lacks {len(missing)} of {len(ids)} "
                f"images of the split (the first: {missing[0]}); {advice}"
            )

    def queries(self, rows: np.ndarray, decoding: DecodingSettings, seed: int) -> Queries:
        """The captions of the images at ``rows``: those given, or decoded by the captioner."""
        if self.given is not None:
            return self._given_queries(self.given, self.ranker.captions.ids_of(rows))
        one = self.captioner
        decoded, groups = decode_texts(
            [one.model], [one.feature_source(rows)], decoding, one.checkpoint.tokenizer, seed
        )
        texts = [text for (text,) in groups]
        tokens, lengths = decoded.captions, decoded.lengths
        if self.ranker is not one:
            tokens, lengths = self._encoded(texts)
        return Queries(texts, tokens, lengths, decoding.signature(seed))

    def pool(
        self, queries: Queries, rows: np.ndarray, similar: int | None, distractors: str, sample_of: int | None
    ) -> CaptionPool:
        """The captions with the images at ``rows``, the captions' own first; other parameters as in CaptionPool."""
        source, captions = self.ranker.feature_source(rows), (queries.texts, queries.tokens, queries.lengths)
        return CaptionPool(self.ranker.model, source, *captions, similar, distractors, sample_of)

    def _given_queries(self, given: CaptionResults, ids: Sequence[ImageId]) -> Queries:
        texts, ways = captions_of_images(given, self.ranker.captions, ids)
        if others := len(given.captions) - len(ids):
            print_info(f"{others} of {len(given.captions)} captions are of other images and are not used")
        if ways.keys() != {"id"}:
            print_info(f"matched {describe_ways(ways)}")
        return Queries(texts, *self._encoded(texts), decoding_signature(given), ways)

    def _encoded(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """The texts as tokens of the ranker's tokenizer, and their lengths; unknown words are counted and printed."""
        device = next(self.ranker.model.parameters()).device
        encoded = encode_given_captions(texts, self.ranker.checkpoint.tokenizer, device)
        if encoded.note:
            print_info(encoded.note)
        return encoded.tokens, encoded.lengths


def open_ranked_captions(
    paths: RetrievalPaths, reading: ReadOptions, compute: ComputeSettings, origin: Origin
) -> RankedCaptions:
    """Open the files, and record them in ``origin``.

    With a ranker and given captions, the captioner itself is not loaded.
    """
    given = open_caption_results(paths.predictions, reading) if paths.predictions else None
    recorded = RecordedArtifact(paths.checkpoint, read_provenance(paths.checkpoint))
    if paths.ranker is None:
        captioner = ranker = open_model(paths.checkpoint, paths.data, compute, origin)
    elif given is None:
        captioner = open_model(paths.checkpoint, paths.data, compute, origin)
        ranker = _open_ranker(paths, recorded, captioner.captions, compute, origin)
    else:
        captions = _recorded_captions(recorded, paths.captions, origin)
        captioner = ranker = _open_ranker(paths, recorded, captions, compute, origin)
    if given is not None:
        check_columns_exist(reading, [given.file])
        print_info(given.file.summary())
        origin.add_input("results", given)
    captions_of = _writer(given, origin) if given else _party(captioner.checkpoint)
    ranking = Ranking(captions=captions_of, ranker=_party(ranker.checkpoint))
    option = RANKER_FEATURES if paths.ranker else "--features"
    return RankedCaptions(captioner, ranker, given, ranking, option, recorded)


def _open_ranker(
    paths: RetrievalPaths, captioner: RecordedArtifact, captions: Captions, compute: ComputeSettings, origin: Origin
) -> OpenedModel:
    """Open the checkpoint that ranks, with its features of the images of ``captions``."""
    checkpoint = open_checkpoint(paths.ranker or paths.checkpoint)
    device, given = compute.start(), paths.ranker_features
    features = feature_set_for(checkpoint, captions, given, paths.images, device, RANKER_FEATURES, [captioner])
    origin.add_input("ranker", checkpoint)
    if isinstance(features, Features):
        origin.add_input("ranker features", features)
    return OpenedModel(checkpoint, checkpoint.captioner(device), captions, features)


def _recorded_captions(recorded: RecordedArtifact, given: Path | None, origin: Origin) -> Captions:
    captions = open_captions(find_input(recorded, "captions", given, "--captions"))
    origin.add_input("checkpoint", recorded)
    origin.add_input("captions", captions)
    return captions


def _with_captions(rows: np.ndarray, given: CaptionResults, captions: Captions) -> np.ndarray:
    """The rows of images that have a given caption; the number of others is printed."""
    have = set(match_given(given, captions).pairs.values())
    kept = rows[[id in have for id in captions.ids_of(rows)]]
    if len(kept) < MIN_IMAGES:
        raise ClcapError(
            f"{given.path} has captions of {len(kept)} of the {len(rows)} images of the split; two are needed"
        )
    if len(kept) < len(rows):
        print_warning(f"left out: {len(rows) - len(kept)} of {len(rows)} images of the split, which have no caption")
    return kept


def _party(model: Checkpoint) -> Party:
    return Party(name=model.path.stem, id=model.provenance.id)


def _writer(given: CaptionResults, origin: Origin) -> Party:
    """The checkpoint that wrote the captions or, if it is unknown or an ensemble, the captions themselves."""
    _, path, id = origin.inputs[-1]
    recorded = given.provenance
    checkpoint = recorded.input("checkpoint") if recorded and not recorded.input("checkpoint 2") else None
    return Party(name=captions_name(path), id=checkpoint.id if checkpoint else id)


def warn_of_training_images(ranked: RankedCaptions, ids: Sequence[ImageId]) -> None:
    """Warn about images in the pool that the ranker was trained on, if its own captions.h5 can be read."""
    ranker, captions = ranked.ranker.checkpoint, ranked.ranker.captions
    recorded = ranker.provenance.input("captions")
    if recorded is None or captions.provenance.is_or_extends(recorded.id):
        return
    with suppress(ClcapError):
        own = open_captions(find_input(ranker, "captions", None, "--captions"))
        names = dict(zip(own.image_ids, own.file_names, strict=True))
        training = {(id, names[id]) for id in own.ids_of(own.rows_of(TRAINING_SPLIT))}
        in_pool = dict(zip(captions.image_ids, captions.file_names, strict=True))
        count = sum((id, in_pool[id]) in training for id in ids)
        if count:
            print_warning(f"{ranker.path} was trained on {count} of the {len(ids)} images that it ranks")


def warn_of_empty_captions(queries: Queries, ids: Sequence[ImageId]) -> None:
    """Warn about captions without a token; ``ids`` are the images of the queries."""
    if queries.empty:
        print_warning(
            f"{describe_some_empty([ids[at] for at in queries.empty], len(ids), 'captions')}; "
            "such a caption ranks the images by the probability that a caption ends at once"
        )
