"""Messages about metrics that could not be computed."""

from collections.abc import Mapping


def not_scored_lines(reasons: Mapping[str, str], metrics: str | None) -> list[str]:
    """One line for each reason, about the metrics that ``metrics``, the value of --metrics, names."""
    named = {name.strip().upper() for name in (metrics or "").split(",")}
    return [_line(reason, reasons, named) for reason in dict.fromkeys(reasons.values())]


def _line(reason: str, reasons: Mapping[str, str], named: set[str]) -> str:
    names = [name for name, own in reasons.items() if own == reason]
    shown = [name for name in names if name.upper() in named] or names
    return f"{' and '.join(shown)} {'is' if len(shown) == 1 else 'are'} not scored: {reason}"
