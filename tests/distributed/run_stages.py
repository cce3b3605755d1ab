"""Runs stages one after the other in a process of torchrun; the argument is a JSON list of [name, options]."""

import json
import sys
from functools import partial
from typing import Any
from unittest.mock import patch

import clcap_cli

Calls = list[tuple[str, dict[str, Any]]]


def run(calls: Calls) -> None:
    """Run the stages; an adversarial one has a small discriminator, which it trains alone for one epoch."""
    from clcap_cli.models.discriminator import DiscriminatorConfig

    small = partial(DiscriminatorConfig, embedding_size=16, hidden_size=16)
    with (
        patch("clcap_cli.stages.train_cl_inputs.DiscriminatorConfig", small),
        patch("clcap_cli.training.adversarial_task.WARM_UP_EPOCHS", 1),
    ):
        for name, options in calls:
            getattr(clcap_cli, name)(**options)


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
