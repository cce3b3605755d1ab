"""The tests of metrics read METEOR's whole table of paraphrases."""

import pytest


@pytest.fixture(autouse=True)
def whole_table(all_paraphrases: None) -> None:
    """METEOR has its whole table."""
