"""Training logs ``*.log.jsonl``, which train-mle and train-cl write."""

from pathlib import Path

from clcap_cli.artifacts.earlier_names import upgrade_log_record
from clcap_cli.datasets.parsing import finite_numbers, read_json_lines
from clcap_cli.errors import ClcapError

LOG = ".log.jsonl"


def read_log(path: Path) -> list[dict[str, float]]:
    """Read the records of a training log, numbers only.

    Raises ClcapError that names a line that is not such a record.
    """
    return [_log_record(record, f"{path}, line {number}") for number, record in read_json_lines(path)]


def _log_record(record: object, place: str) -> dict[str, float]:
    epoch = upgrade_log_record(finite_numbers(record)) if isinstance(record, dict) else {}
    if "epoch" not in epoch:
        raise ClcapError(f"{place} is not a record of an epoch; *{LOG} files are written by train-mle and train-cl")
    return epoch
