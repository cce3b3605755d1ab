"""Matrix products whose factors may have a lower precision than their sum."""

from torch import Tensor


def add_product(total: Tensor, left: Tensor, right: Tensor, beta: int = 1) -> None:
    """Set ``total`` to ``beta`` · total + left · right; the product is computed in the precision of ``right``.

    With a ``beta`` of 0, ``total`` may be uninitialised.
    """
    if right.dtype == total.dtype:
        total.addmm_(left, right, beta=beta)
    elif beta:
        total += left.to(right.dtype) @ right
    else:
        total.copy_(left.to(right.dtype) @ right)
