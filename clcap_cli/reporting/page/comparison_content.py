"""What the templates show of the comparison of runs."""

from collections.abc import Sequence

from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.setting_words import role_text, setting_text, value_texts
from clcap_cli.reporting.page.compared_systems import baseline_values, compared_systems, headline_metrics
from clcap_cli.reporting.page.headline import headline_values


def comparison_content(runs: Sequence[Run], compared: ComparedRuns | None) -> dict[str, object]:
    """The variables of the templates, by name; without a comparison there are no systems."""
    systems = compared_systems(compared)
    return {
        "systems": systems,
        "human": compared_systems(compared, human=True),
        "over_seeds": any(system.over_seeds for system in systems),
        "verdicts": {value.verdict for system in systems for value in system.values},
        "headline": headline_metrics(systems),
        "baseline": compared.baseline.name if compared else "",
        "baseline_values": baseline_values(systems),
        "values": headline_values(runs, compared),
        "compared_images": compared.images if compared else 0,
        "differing": compared.differing_settings if compared else [],
        "role_text": role_text,
        "setting_text": setting_text,
        "value_texts": value_texts,
        "setting_names": [setting.name for setting in compared.systems] if compared else [],
    }
