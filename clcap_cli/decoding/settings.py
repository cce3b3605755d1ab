"""How captions are decoded: one object that is typed once, stored with results, and words its own signature."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from clcap_cli.errors import ClcapError

Probability = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=100)]


@dataclass(frozen=True)
class DecodingSettings:
    """Beam search, or sampling as soon as one of ``top_p``, ``top_k`` and ``temperature`` is set."""

    beam: PositiveInt = 3
    """Hypotheses that beam search keeps; 1 is greedy search."""
    top_p: Probability | None = None
    """Sample from the likeliest tokens that together have this probability (Holtzman et al. 2020)."""
    top_k: PositiveInt | None = None
    """Sample from so many likeliest tokens (Fan et al. 2018)."""
    temperature: Positive | None = None
    """Sample with scores divided by this: below 1 closer to greedy search, 1 the model's own distribution."""
    length_penalty: Annotated[float, Field(ge=-10, le=10)] = 0.0
    """Beam search ranks captions by ln p / length^this, the end token counted: 0 by ln p, 1 by its mean."""
    no_repeat_ngram: NonNegativeInt = 0
    """No n-gram of so many tokens comes twice in a caption; 0 allows all."""
    min_words: NonNegativeInt = 0
    """Fewest tokens of a caption."""
    max_words: PositiveInt | None = None
    """Most tokens of a caption; None for the most that the model was trained for."""
    num_captions: PositiveInt = 1
    """Captions of each image."""
    seed: NonNegativeInt = 0
    """Of sampling."""

    def __post_init__(self) -> None:
        if self.samples and self.beam not in (1, type(self).beam):
            raise ClcapError("--beam and sampling (--top-p, --top-k, --temperature) exclude each other")
        if not self.samples and self.num_captions > self.beam:
            raise ClcapError(
                f"a beam of {self.beam} cannot give {self.num_captions} captions of an image; give a larger --beam, or "
                "sample with --temperature 1"
            )
        if self.max_words is not None and self.min_words > self.max_words:
            raise ClcapError(f"--min-words {self.min_words} is more than --max-words {self.max_words}")

    @property
    def samples(self) -> bool:
        """Whether captions are sampled."""
        return not (self.top_p is None and self.top_k is None and self.temperature is None)

    @property
    def signature(self) -> str:
        """The settings that matter, in a few words that scores carry."""
        if self.samples:
            parts = ["sampling", *self._named("top_p", "top_k", "temperature"), f"seed {self.seed}"]
        else:
            parts = [f"beam {self.beam}", *self._named("length_penalty")]
        parts += self._named("no_repeat_ngram", "min_words", "max_words")
        return ", ".join([*parts, *([f"{self.num_captions} captions"] if self.num_captions > 1 else [])])

    def _named(self, *names: str) -> list[str]:
        return [f"{name.replace('_', '-')} {getattr(self, name):g}" for name in names if getattr(self, name)]


GREEDY = DecodingSettings(beam=1)
"""The likeliest token at every step; what validation uses."""
