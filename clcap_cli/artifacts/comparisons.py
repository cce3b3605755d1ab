"""Comparisons of settings, as JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from clcap_cli.artifacts.earlier_names import upgrade_comparison
from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.provenance import Origin, parse_provenance
from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json

COMPARISON_KIND = "clcap/comparison"
Verdict = Literal[
    "same",
    "not comparable",
    "not tested",
    "too few images",
    "same for all seeds",
    "human captions",
    "not significant",
    "higher",
    "lower",
]
"""How the second setting compares with the first at the 5% level, after Holm's correction: by the test over seeds if
both settings have several, else over images. Human captions, which are no system, are never higher or lower."""


class MetricDifference(BaseModel):
    """The difference of a metric between two settings, in a file of ``compare``."""

    first: float
    """Mean over the runs of the first setting."""
    second: float
    """Mean over the runs of the second setting."""
    difference: float
    """Second - first."""
    interval: tuple[float, float] | None
    """95% confidence interval of the difference, over images; None for a metric without valid intervals."""
    spreads: tuple[float, float]
    """Standard deviations over the seeds of each setting; 0 for a single run."""
    primary: bool = False
    """Whether the metric is one of the primary ones, which Holm's correction treats as a family of their own."""
    p_images: float | None
    """Two-sided p-value over images; None without an interval, or if there are too few images."""
    p_images_holm: float | None = None
    """``p_images`` after Holm's correction; None also in files of earlier versions."""
    p_seeds: float | None = None
    """Two-sided p-value over seeds; None with a single run of a setting, and if all seeds differ by the same amount."""
    p_seeds_holm: float | None = None
    """``p_seeds`` after Holm's correction."""
    p_mcnemar: float | None = None
    """Two-sided p-value of McNemar's exact test; only for R@k with one run of each setting."""
    verdict: Verdict

    @property
    def comparable(self) -> bool:
        """Whether both settings were evaluated alike; otherwise there is neither interval nor p."""
        return self.verdict != "not comparable"

    def decisive_p(self, over_seeds: bool) -> float | None:
        """Holm's p of the test that decides the verdict: the one over seeds if both settings have several seeds."""
        return self.p_seeds_holm if over_seeds else self.p_images_holm

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at the 5% level."""
        return self.verdict in ("higher", "lower")


class RunDifferences(BaseModel):
    """How two settings differ besides their metrics, one line per difference."""

    evaluation: list[str]
    """Differences in the signatures of metrics, which are not comparable because of them."""
    made_from: list[str]
    """Differences in the images, the decoding and the run cards."""


class Comparison(BaseModel):
    """The comparison of two settings, each with one run or with runs of several seeds."""

    first: str
    """Name of the first setting."""
    second: str
    """Name of the second setting."""
    seed_test: str | None = None
    """Test over seeds with its number of runs; None with a single run of a setting."""
    metrics: dict[str, MetricDifference]
    """Difference of each metric that both settings have."""
    only_in_first: list[str] = []
    """Metrics that only the first setting has."""
    only_in_second: list[str] = []
    """Metrics that only the second setting has."""
    run_differences: RunDifferences

    @property
    def over_seeds(self) -> bool:
        """Whether the tests over seeds decide the verdicts, because both settings have several seeds."""
        return self.seed_test is not None


def write_comparison(
    out: Path,
    ids: Sequence[ImageId],
    comparisons: Sequence[Comparison],
    differing: Sequence[Mapping[str, Any]],
    origin: Origin,
) -> None:
    """Write ``comparisons`` over the images ``ids``, and the settings that are ``differing``."""
    content = {
        "images": list(ids),
        "comparisons": [comparison.model_dump() for comparison in comparisons],
        "differing_settings": list(differing),
    }
    provenance = origin.make_provenance(COMPARISON_KIND, digest_of_json(content), out)
    write_json(out, {"provenance": provenance.model_dump(), **content})


def open_comparison(path: Path) -> list[Comparison]:
    """Read a comparison.

    Raises ClcapError if it is missing or damaged.
    """
    data = read_json(path)
    version = parse_provenance(data.get("provenance"), path, COMPARISON_KIND).version
    data = upgrade_comparison(data) if version < 4 else data
    return validated(data.get("comparisons"), list[Comparison], path, f"a complete {COMPARISON_KIND} file")
