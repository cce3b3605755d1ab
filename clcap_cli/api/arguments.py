"""Arguments that have the name of a stage's parameter are checked as the stage checks them."""

from typing import Any

from clcap_cli.stages.stage import Stage


def checked_as(stage: Stage, **values: object) -> dict[str, Any]:
    """Values of parameters of ``stage``, by name.

    Raises InvalidValueError for a wrong value, and ClcapError where the value does not fit this machine.
    """
    parameters = [one for one in stage.parameters if one.name in values]
    checked = {one.name: one.checked(values[one.name]) for one in parameters}
    for one in parameters:
        one.check(checked[one.name])
    return checked
