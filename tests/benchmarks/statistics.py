"""Simulations of confidence intervals and significance tests, one table each, as Markdown."""

import argparse

from tests.benchmarks import false_positives, interval_coverage, recall_simulation, seed_simulation

TABLES = {
    "coverage": interval_coverage,
    "differences": false_positives,
    "seeds": seed_simulation,
    "recall": recall_simulation,
}
"""Module of each table, with ``add_arguments`` and ``table``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, module in TABLES.items():
        module.add_arguments(commands.add_parser(name, description=module.__doc__))
    given = parser.parse_args()
    print(TABLES[given.name].table(given))


if __name__ == "__main__":
    main()
