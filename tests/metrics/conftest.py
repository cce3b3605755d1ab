"""Tests of metrics use METEOR's whole paraphrase table."""

import pytest


@pytest.fixture(autouse=True)
def whole_table(all_paraphrases: None) -> None:
    """Give METEOR its whole paraphrase table."""
