"""The evaluation context with which values can be computed again from a metrics file."""

from dataclasses import fields

from clcap_cli.datasets.parsing import validated
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.bleu_settings import BleuSettings
from clcap_cli.metrics.predictions import Context


def stored_context(run: Run) -> Context:
    """The context of a run's metrics, from the settings in their provenance; earlier versions had no settings of BLEU.

    Raises ClcapError if the settings are damaged.
    """
    if run.scored is None:
        return Context()
    settings = run.scored.provenance.settings
    bleu = {field.name: settings[field.name] for field in fields(BleuSettings) if field.name in settings}
    return Context(
        df_name=settings.get("cider_df"),
        bleu=validated(bleu, BleuSettings, run.scored.path, "a complete metrics file"),
    )
