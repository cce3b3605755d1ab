"""What the templates show of the comparison of runs."""

from collections.abc import Sequence

from clcap_cli.artifacts.differing_settings import DEFAULT, FILE
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.setting_words import role_text, setting_text, value_texts
from clcap_cli.reporting.difference_text import UNCORRECTED
from clcap_cli.reporting.page.compared_systems import (
    ComparedSystem,
    baseline_values,
    compared_systems,
    headline_metrics,
)
from clcap_cli.reporting.page.headline import headline_values

VERDICT_NOTES = {
    "no difference": "the difference is 0 in every resample of the images.",
    "same for all seeds": "no test over seeds, because the difference does not vary between them.",
    "not tested": "resampling images gives no valid interval of this metric.",
}
"""What verdicts mean that do not speak for themselves."""


def comparison_content(runs: Sequence[Run], compared: ComparedRuns | None) -> dict[str, object]:
    """The variables of the templates, by name; without a comparison there are no systems."""
    systems = compared_systems(compared)
    return {
        "systems": systems,
        "human": compared_systems(compared, human=True),
        "mixed_tests": len({system.over_seeds for system in systems}) > 1,
        "families": _families(systems),
        "uncorrected": UNCORRECTED,
        "verdict_notes": VERDICT_NOTES,
        "over_seeds": any(system.over_seeds for system in systems),
        "verdicts": {value.verdict for system in systems for value in system.values},
        "headline": headline_metrics(systems),
        "baseline": compared.baseline.name if compared else "",
        "baseline_values": baseline_values(systems),
        "values": headline_values(runs, compared),
        "compared_images": compared.images if compared else 0,
        **_settings_content(compared),
    }


def _families(systems: Sequence[ComparedSystem]) -> str:
    """Which of the metrics at the top are corrected apart from the primary ones; empty if there are none."""
    values = [value for system in systems for value in system.headline if not value.primary]
    names = dict.fromkeys(value.metric.label for value in values)
    return f"{' and '.join(names)} is corrected among the other metrics, not the primary ones." if names else ""


def _settings_content(compared: ComparedRuns | None) -> dict[str, object]:
    """The variables of the table of differing settings."""
    differing = compared.differing_settings if compared else []
    return {
        "differing": differing,
        "has_default": any(DEFAULT in row.values for row in differing),
        "has_gap": any(None in row.values and row.setting != FILE for row in differing),
        "role_text": role_text,
        "setting_text": setting_text,
        "value_texts": value_texts,
        "setting_names": [setting.name for setting in compared.systems] if compared else [],
    }
