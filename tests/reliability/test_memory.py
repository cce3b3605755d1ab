"""Memory does not grow with the number of training steps; ``memory.py`` measures longer runs."""

from pathlib import Path

from tests.reliability.memory import memory_of_training


def test_memory_does_not_grow_with_the_steps(shared_chain: Path, tmp_path: Path) -> None:
    """A leak of one float32 tensor of the size of the model per step would be more than the bound."""
    _, first, *_, last = memory_of_training(shared_chain, tmp_path / "nt.pt", steps=500, every=100)
    assert last - first < 4
