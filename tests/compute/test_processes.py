from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.compute.processes import Processes


@given(st.integers(0, 300), st.integers(1, 40))
def test_shares_are_balanced_and_each_item_is_in_one(items: int, count: int) -> None:
    shares = [Processes(rank, count).share(range(items)) for rank in range(count)]
    assert [item for share in shares for item in share] == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
