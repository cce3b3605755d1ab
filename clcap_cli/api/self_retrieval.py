"""Self-retrieval among images that are given from Python."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from clcap_cli.api.results import SelfRetrieval
from clcap_cli.artifacts.ranking import Party, Ranking
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.caption_pool import CaptionPool
from clcap_cli.evaluation.given_captions import encode_given_captions
from clcap_cli.evaluation.inputs import UNKNOWN
from clcap_cli.evaluation.live_models import LiveModel
from clcap_cli.evaluation.model_inputs import decode_texts
from clcap_cli.features.cached import computed_once
from clcap_cli.features.images import ImageInput
from clcap_cli.metrics.signature import images_signature


def rank_images(
    model: LiveModel,
    images: Sequence[ImageInput],
    captions: Sequence[str] | None,
    settings: DecodingSettings,
    seed: int,
) -> SelfRetrieval:
    """Rank the images by captions that are given for each, or by the model's own; see LoadedCaptioner.self_retrieve.

    Raises ClcapError for fewer than two images, and unless there is one caption for each.
    """
    if len(images) < 2:
        raise ClcapError(f"self-retrieval needs at least two images, not {len(images)}")
    if captions is not None and len(captions) != len(images):
        raise ClcapError(f"there are {len(captions)} captions for {len(images)} images; give one for each image")
    features, tokenizer = computed_once(model.features_of(images)), model.tokenizer
    if captions is None:
        decoded, groups = decode_texts([model.model], [features], settings, tokenizer, seed)
        texts, decoding = [text for (text,) in groups], settings.signature(seed)
        pool = CaptionPool(model.model, features, texts, decoded.captions, decoded.lengths)
    else:
        given, decoding = encode_given_captions(captions, tokenizer, features.device), UNKNOWN
        if given.note:
            warnings.warn(given.note, stacklevel=3)
        pool = CaptionPool(model.model, features, captions, given.tokens, given.lengths)
    ids = [str(at) if isinstance(at, Path) else number for number, at in enumerate(images)]
    signature = {"split": images_signature(ids, "all"), "decoding": decoding, "precision": "fp32"}
    ranker = Party(name=model.path.stem, id=model.id)
    writer = ranker if captions is None else Party(name="captions", id=digest_of_json(pool.captions))
    ranking = Ranking(captions=writer, ranker=ranker)
    found = pool.results(pool.search(), ids, ranking, seed, signature)
    return SelfRetrieval(found.metrics, found.intervals, found.signatures, found.images, found.details["chance"])
