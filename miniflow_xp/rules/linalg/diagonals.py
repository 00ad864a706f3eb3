"""Diagonals of matrices: diagonal, trace."""

from typing import Any

from miniflow_xp.rules.linalg.matrices import matrix_rule, scale


@matrix_rule("linalg.trace")
def _trace(xp: Any, g: Any, y: Any, x: Any, offset: int = 0, dtype: Any = None) -> Any:
    return scale(g) * ones_on(xp, x, offset)


@matrix_rule("linalg.diagonal")
def _diagonal(xp: Any, g: Any, y: Any, x: Any, offset: int = 0) -> Any:
    """ḡ on the diagonal: above the middle an element stands in the row of its number, below in the column."""
    zeros = xp.zeros_like(x[..., :, 0] if offset >= 0 else x[..., 0, :])
    padded = xp.concat([g, zeros[..., g.shape[-1] :]], axis=-1)
    return ones_on(xp, x, offset) * (padded[..., :, None] if offset >= 0 else padded[..., None, :])


def ones_on(xp: Any, x: Any, offset: int) -> Any:
    """Ones on a diagonal, in the shape of x."""
    return xp.tril(xp.triu(xp.ones_like(x), k=offset), k=offset)
