"""METEOR's table is read once: it is the same for every test, and takes seconds."""

from collections.abc import Iterator
from functools import cache

import pytest

from clcap_cli.metrics import meteor


@pytest.fixture(scope="session", autouse=True)
def table_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meteor, "read_paraphrase_table", cache(meteor.read_paraphrase_table))
        yield
