"""Runs stages one after the other in a process of torchrun; the argument is a JSON list of [name, options]."""

import json
import sys

import clcap_cli


def main() -> None:
    """Run the stages."""
    for name, options in json.loads(sys.argv[1]):
        getattr(clcap_cli, name)(**options)


if __name__ == "__main__":
    main()
