"""``load``: captions, log-probabilities and self-retrieval from a checkpoint or an ensemble of checkpoints."""

import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

import numpy as np
import torch

from clcap_cli.api.arguments import checked_as
from clcap_cli.api.images import ImageLike, image_of, images_of, is_single
from clcap_cli.api.results import SelfRetrieval
from clcap_cli.api.self_retrieval import rank_images
from clcap_cli.api.texts import captions_of
from clcap_cli.compute.devices import choose_device
from clcap_cli.decoding.ensemble import Ensemble
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.evaluation.given_captions import GivenCaptions, encode_given_captions
from clcap_cli.evaluation.live_models import LiveModel, load_live_models
from clcap_cli.evaluation.model_inputs import decode_texts, open_checkpoints
from clcap_cli.features.images import ImageInput
from clcap_cli.retrieval.ranks import check_finite
from clcap_cli.stages.caption import caption
from clcap_cli.stages.options import Seed
from clcap_cli.stages.stage import check_unused, stage

CAPTIONS_AT_ONCE = 256


class Decoding(TypedDict, total=False):
    """The fields of ``DecodingSettings`` but the number of captions, as type checkers know them."""

    beam: int | None
    top_p: float | None
    top_k: int | None
    temperature: float | None
    length_penalty: float
    no_repeat_ngram: int
    min_words: int
    max_words: int | None


@stage
def decoding_settings(seed: Seed = 0, decoding: DecodingSettings = DecodingSettings()) -> tuple[DecodingSettings, int]:
    """Check decoding settings as every stage does."""
    return decoding, seed


def load(
    checkpoints: str | PathLike[str] | Iterable[str | PathLike[str]],
    *,
    device: str = "auto",
    weights: str | None = None,
) -> "LoadedCaptioner":
    """Load a captioner and the backbone that it was trained with.

    Args:
        checkpoints: Path of a checkpoint, ``*.pt``, or several paths. Several must share a tokenizer and form
            an ensemble, which averages their probabilities at every token.
        device: "cpu", "cuda", "cuda:N", "mps", or "auto" for the fastest available device.
        weights: State dict file of the backbone, if the features were extracted with one.

    Raises:
        ClcapError: A checkpoint is missing or damaged, needs imported features, or its backbone cannot be loaded; or
            the checkpoints have different tokenizers.
    """
    given = checked_as(caption, device=device, weights=weights)
    opened = open_checkpoints(_paths_of(checkpoints))
    return LoadedCaptioner(load_live_models(opened, choose_device(given["device"]), given["weights"]))


def _paths_of(given: Any) -> list[Path]:
    """The paths of checkpoints; raises TypeError for anything else."""
    paths = [given] if isinstance(given, str | PathLike) or not isinstance(given, Iterable) else list(given)
    wrong = [type(path).__name__ for path in paths if not isinstance(path, str | PathLike)]
    if wrong or not paths:
        raise TypeError(f"checkpoints must be a path or several, not {wrong[0] if wrong else 'an empty list'}")
    return [Path(path) for path in paths]


class LoadedCaptioner:
    """A captioner with its backbone, or an ensemble of several; created by ``load``."""

    def __init__(self, models: Sequence[LiveModel]):
        self._models = models
        self._tokenizer = models[0].tokenizer

    @property
    def device(self) -> torch.device:
        """The device that the models are on."""
        return self._models[0].backbone.device

    def __repr__(self) -> str:
        names = ", ".join(str(one.path) for one in self._models)
        return f"<LoadedCaptioner {names} on {self.device}>"

    @overload
    def caption(  # type: ignore[overload-overlap]  # a str is a path, never several
        self, images: ImageLike, *, num_captions: None = None, seed: int = 0, **decoding: Unpack[Decoding]
    ) -> str: ...

    @overload
    def caption(  # type: ignore[overload-overlap]  # a str is a path, never several
        self, images: ImageLike, *, num_captions: int, seed: int = 0, **decoding: Unpack[Decoding]
    ) -> list[str]: ...

    @overload
    def caption(
        self, images: Iterable[ImageLike], *, num_captions: None = None, seed: int = 0, **decoding: Unpack[Decoding]
    ) -> list[str]: ...

    @overload
    def caption(
        self, images: Iterable[ImageLike], *, num_captions: int, seed: int = 0, **decoding: Unpack[Decoding]
    ) -> list[list[str]]: ...

    def caption(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        num_captions: int | None = None,
        seed: int = 0,
        **decoding: Unpack[Decoding],
    ) -> str | list[str] | list[list[str]]:
        """Caption one image or several, as ``clcap caption --images`` does.

        Args:
            images: A path, a PIL image, or an iterable of these.
            num_captions: Number of captions per image, the most likely first unless they are sampled.
            seed: Seed of sampling.
            decoding: ``beam`` (beam width, default 3); ``top_p``, ``top_k`` or ``temperature`` to sample instead;
                ``length_penalty``, ``no_repeat_ngram``, ``min_words``, ``max_words``; as on the command line.

        Returns:
            A str for a single image, a list of str for several; with ``num_captions``, a list of captions per image.

        Raises:
            ClcapError: An image is missing or cannot be read.
            InvalidValueError: A setting is out of range or excluded by another setting.
            TypeError: An image is neither a path nor a PIL image, or a setting is unknown.
        """
        number = {} if num_captions is None else {"num_captions": num_captions}
        settings, seed = decoding_settings(seed=seed, **decoding, **number)
        captions = self._captions(images_of(images), settings, seed)
        found = captions if number else [own[0] for own in captions]
        return found[0] if is_single(images) else found

    def _captions(self, images: Sequence[ImageInput], settings: DecodingSettings, seed: int) -> list[list[str]]:
        if not images:
            return []
        models, sources = [one.model for one in self._models], [one.features_of(images) for one in self._models]
        _, texts = decode_texts(models, sources, settings, self._tokenizer, seed)
        return texts

    @overload
    def log_prob(self, image: ImageLike, texts: str) -> float: ...  # type: ignore[overload-overlap]

    @overload
    def log_prob(self, image: ImageLike, texts: Iterable[str]) -> list[float]: ...

    def log_prob(self, image: ImageLike, texts: str | Iterable[str]) -> float | list[float]:
        """ln p(c|I) of one or more captions given an image, summed over tokens including the end token.

        Args:
            image: A path or a PIL image.
            texts: A caption or an iterable of captions. Words outside the vocabulary count as the unknown token; a
                warning reports them.

        Returns:
            A float for a str, a list of floats otherwise; in nats.

        Raises:
            ClcapError: The image is missing or cannot be read.
            TypeError: The image is neither a path nor a PIL image, or a caption is not a str.
        """
        captions = captions_of(texts)
        if not captions:
            return []
        given = encode_given_captions(captions, self._tokenizer, self.device)
        if given.note:
            warnings.warn(given.note, stacklevel=2)
        found = self._log_probs(image_of(image), given)
        return found[0] if isinstance(texts, str) else found

    def self_retrieve(
        self,
        images: Iterable[ImageLike],
        captions: Iterable[str] | None = None,
        *,
        seed: int = 0,
        **decoding: Unpack[Decoding],
    ) -> SelfRetrieval:
        """Rank all images by each caption's ln p and report the rank of its own image, as ``clcap self-retrieve`` does.

        Args:
            images: Paths or PIL images, at least two.
            captions: One caption of each image, in the same order; default: the captioner's own.
            seed: Seed of sampling and of the resamples for the confidence intervals.
            decoding: Decoding settings of the captioner's own captions; see ``caption``.

        Returns:
            R@k and ranks, and for each image its ``image_id`` (the path, or the position of a PIL image), ``caption``,
            ``rank``, ``tied``, ``log_prob`` and ``best``, the five images with the highest ln p.

        Raises:
            ClcapError: An image is missing or cannot be read, there are fewer than two images, the number of captions
                differs from that of images, or this is an ensemble.
            InvalidValueError: See ``caption``.
            TypeError: An image is neither a path nor a PIL image, or a caption is not a str.
        """
        settings, seed = decoding_settings(seed=seed, **decoding)
        if settings.num_captions > 1:
            raise InvalidValueError("num_captions", "self-retrieval ranks one caption of each image")
        if len(self._models) > 1:
            raise ClcapError(f"{len(self._models)} checkpoints are loaded; self-retrieval ranks with one, so load one")
        if captions is not None:
            check_unused(settings, "the captions are given")
        given = None if captions is None else captions_of(captions)
        return rank_images(self._models[0], images_of(images), given, settings, seed)

    @torch.inference_mode()
    def _log_probs(self, image: ImageInput, given: GivenCaptions) -> list[float]:
        seen = [one.features_of([image]).read(np.array([0])) for one in self._models]
        models = [one.model for one in self._models]
        model = Ensemble(models) if len(models) > 1 else models[0]
        encoded = model.encode(seen) if isinstance(model, Ensemble) else model.encode(seen[0])
        parts = zip(given.tokens.split(CAPTIONS_AT_ONCE), given.lengths.split(CAPTIONS_AT_ONCE), strict=True)
        found = [model.sequence_log_prob(encoded, *part, torch.zeros_like(part[1])) for part in parts]
        return check_finite(torch.cat(found)).tolist()
