"""Settings of decoding, which are options of every stage that decodes and are stored with its results."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

from annotated_types import Ge, Le

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, Panel

DEFAULT_BEAM = 3
SMALLEST = 1e-6
"""Smallest temperature and top-p: both then choose the likeliest token, and smaller ones exceed float32."""


def _beam_option(default: str) -> Option:
    return Option("Beam width; 1 is greedy search.", Panel.DECODING, default)


@dataclass(frozen=True)
class DecodingSettings:
    """Beam search, or sampling if ``top_p``, ``top_k`` or ``temperature`` is set.

    Holtzman et al. 2020 introduced top-p sampling, Fan et al. 2018 top-k sampling.
    """

    beam: Annotated[
        int | None,
        Ge(1),
        Le(1000),
        _beam_option(f"{DEFAULT_BEAM}; the value of --num-captions if that is larger"),
    ] = None
    top_p: Annotated[
        float | None,
        Ge(SMALLEST),
        Le(1),
        Option(
            "Sample from the smallest set of tokens whose total probability reaches this value.", Panel.DECODING, "off"
        ),
    ] = None
    top_k: Annotated[int | None, Ge(1), Option("Sample from the k most likely tokens.", Panel.DECODING, "off")] = None
    temperature: Annotated[
        float | None,
        Ge(SMALLEST),
        Le(100),
        Option("Sample with logits divided by this value; 1 is the model's own distribution.", Panel.DECODING, "off"),
    ] = None
    length_penalty: Annotated[
        float,
        Ge(-10),
        Le(10),
        Option("Exponent a of beam search, which ranks captions by ln p / length^a.", Panel.DECODING),
    ] = 0.0
    no_repeat_ngram: Annotated[
        int,
        Ge(0),
        Option("Length n of n-grams that must not repeat within a caption; 0 allows all repeats.", Panel.DECODING),
    ] = 0
    min_words: Annotated[
        int,
        Ge(0),
        Option("Minimum number of words in a caption (of tokens, with a subword tokenizer).", Panel.DECODING),
    ] = 0
    max_words: Annotated[
        int | None,
        Ge(1),
        Le(MAX_WORDS),
        Option(
            "Maximum number of words in a caption (of tokens, with a subword tokenizer).",
            Panel.DECODING,
            "the captioner's --max-length",
        ),
    ] = None
    num_captions: Annotated[int, Ge(1), Le(1000), Option("Number of captions for each image.", Panel.DECODING)] = 1

    def __post_init__(self) -> None:
        if self.is_sampling and self.beam is not None:
            raise InvalidValueError(
                "beam", "sampling (--top-p, --top-k, --temperature) excludes beam search; leave --beam out"
            )
        if self.is_sampling and self.length_penalty:
            raise InvalidValueError("length_penalty", "it applies to beam search only, not to sampling; leave it out")
        if self.beam is not None and self.num_captions > self.beam:
            raise InvalidValueError(
                "num_captions",
                f"{self.num_captions} is more than --beam {self.beam}; give a larger --beam, or sample with "
                "--temperature 1",
            )
        if self.max_words is not None and self.min_words > self.max_words:
            raise InvalidValueError("min_words", f"{self.min_words} is more than --max-words {self.max_words}")

    def resolved(self) -> Self:
        """A copy with the beam width filled in."""
        return self if self.is_sampling else replace(self, beam=self.beam_width)

    @property
    def beam_width(self) -> int:
        """Beam width, by default 3 or ``num_captions`` if that is larger."""
        return self.beam or max(DEFAULT_BEAM, self.num_captions)

    @property
    def is_sampling(self) -> bool:
        """Whether captions are sampled instead of searched."""
        return not (self.top_p is None and self.top_k is None and self.temperature is None)

    def signature(self, seed: int) -> str:
        """A short description of the settings for signatures of metrics, with the seed if captions are sampled."""
        if self.is_sampling:
            parts = ["sampling", *self._named_values("top_p", "top_k", "temperature"), f"seed {seed}"]
        else:
            parts = [f"beam {self.beam_width}", *self._named_values("length_penalty")]
        parts += self._named_values("no_repeat_ngram", "min_words", "max_words")
        return ", ".join([*parts, *([f"{self.num_captions} captions"] if self.num_captions > 1 else [])])

    def _named_values(self, *names: str) -> list[str]:
        return [f"{name.replace('_', '-')} {_format(getattr(self, name))}" for name in names if getattr(self, name)]


@dataclass(frozen=True)
class SingleCaptionSettings(DecodingSettings):
    """Decoding of one caption for each image."""

    beam: Annotated[int | None, Ge(1), Le(1000), _beam_option(str(DEFAULT_BEAM))] = None
    num_captions: Annotated[
        int, Ge(1), Le(1000), Option("Number of captions for each image, 1.", Panel.DECODING, hidden=True)
    ] = 1


def _format(value: float) -> str:
    """Format a number with all its digits, so that different settings have different signatures."""
    return str(value).removesuffix(".0")


GREEDY = DecodingSettings(beam=1)
"""Greedy search, which validation uses."""
