import threading

import pytest

from clcap_cli.compute.prefetch import LOOKAHEAD, Prefetcher


def test_items_are_loaded_and_in_order() -> None:
    assert list(Prefetcher(lambda item: item * 2, range(10))) == list(range(0, 20, 2))
    assert list(Prefetcher(str, [])) == []


def test_at_most_the_next_items_are_loaded_ahead() -> None:
    loaded: list[int] = []
    for number, _ in enumerate(Prefetcher(loaded.append, range(20))):
        assert len(loaded) <= number + 1 + LOOKAHEAD


def test_loading_continues_while_an_item_is_used() -> None:
    second = threading.Event()
    reading = iter(Prefetcher(lambda item: item == 1 and second.set(), range(3)))
    next(reading)
    assert second.wait(10)


def test_an_error_while_loading_reaches_the_consumer() -> None:
    def load(item: int) -> int:
        if item == 2:
            raise OSError("unreadable")
        return item

    reading = iter(Prefetcher(load, range(5)))
    assert [next(reading), next(reading)] == [0, 1]
    with pytest.raises(OSError, match="unreadable"):
        next(reading)


def test_waiting_time_is_counted() -> None:
    slow = threading.Event()
    reading = Prefetcher(lambda item: slow.wait(0.05), range(3))
    list(reading)
    assert reading.wait_seconds > 0.05
