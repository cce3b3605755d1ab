"""Settings of BLEU, which are options of evaluate and are stored with its results."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from clcap_cli.options import Option, Panel

Smoothing = Literal["coco", "none", "floor", "add-k", "exp"]
"""Names of the smoothing methods; all but "coco" are those of sacreBLEU (Post 2018)."""


@dataclass(frozen=True)
class BleuSettings:
    """The lengths of BLEU's n-grams, and the precision of n-grams without a match."""

    bleu_order: Annotated[
        int,
        Ge(1),
        Le(9),
        Option("Maximum length N of BLEU's n-grams, in words; BLEU-1 to BLEU-N are reported.", Panel.METRICS),
    ] = 4
    bleu_smoothing: Annotated[
        Smoothing,
        Option(
            "Smoothing of BLEU's precisions: the epsilons of COCO's evaluation (coco), or a method of sacreBLEU.",
            Panel.METRICS,
        ),
    ] = "coco"
