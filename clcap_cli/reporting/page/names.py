"""Long names of runs and settings in the page."""

import re

from markupsafe import Markup, escape


def breakable(name: str) -> Markup:
    """The name with places where a line may break: after underscores, dots, commas and equals signs."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_.,=])(?=.)", name))
