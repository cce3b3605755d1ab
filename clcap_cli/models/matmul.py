"""Matrix products whose factors may have a lower precision than their sum."""

from torch import Tensor


def add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left · right to ``total`` in place; the product is computed in the precision of ``right``."""
    if right.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += left.to(right.dtype) @ right
