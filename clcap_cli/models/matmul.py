"""Matrix products whose factors may be less precise than their sum."""

from torch import Tensor


def add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """total += left · right, in place; the product is taken in the precision of ``right``."""
    if right.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += left.to(right.dtype) @ right
