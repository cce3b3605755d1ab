"""Messages about metrics that could not be computed."""

from clcap_cli.console import print_details, print_info, print_warning
from clcap_cli.metrics.scoring import Scores


def report_not_scored(scores: Scores, metrics: str | None) -> None:
    """Print why metrics could not be computed; ``metrics`` is the value of --metrics.

    A metric that nobody asked for by name may lack its files: a few words say so, and --verbose prints the rest.
    """
    named = {name.strip().upper() for name in (metrics or "").split(",")}
    for reason in dict.fromkeys(scores.not_scored.values()):
        names = [name for name, own in scores.not_scored.items() if own == reason]
        shown = [name for name in names if name.upper() in named] or names
        line = f"{' and '.join(shown)} {'is' if len(shown) == 1 else 'are'} not scored: {reason}"
        if metrics:
            print_warning(line)
        else:
            _print_briefly(shown, line, scores.short_reasons.get(reason))


def _print_briefly(names: list[str], line: str, short: str | None) -> None:
    if short is None:
        print_info(line)
    else:
        print_info(f"{' and '.join(names)}: {short}")
        print_details(line)
