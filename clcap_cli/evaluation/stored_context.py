"""The evaluation context with which values can be computed again from a metrics file."""

from dataclasses import fields

from clcap_cli.artifacts.results import Results
from clcap_cli.datasets.parsing import validated
from clcap_cli.metrics.bleu_settings import BleuSettings
from clcap_cli.metrics.predictions import Context


def stored_context(run: Results) -> Context:
    """The context of a metrics file, from the settings in its provenance; earlier versions had no settings of BLEU.

    Raises ClcapError if the settings are damaged.
    """
    settings = run.provenance.settings
    bleu = {field.name: settings[field.name] for field in fields(BleuSettings) if field.name in settings}
    return Context(
        df_name=settings.get("cider_df"),
        bleu=validated(bleu, BleuSettings, run.path, "a complete metrics file"),
    )
