"""Diagonals of matrices: diagonal, trace."""

from typing import Any

from miniflow_xp.rules.linalg.matrices import identity, matrix_rule, scale


@matrix_rule("linalg.trace")
def _trace(xp: Any, g: Any, y: Any, x: Any, offset: int = 0, dtype: Any = None) -> Any:
    return scale(g) * identity(xp, x, offset)


@matrix_rule("linalg.diagonal")
def _diagonal(xp: Any, g: Any, y: Any, x: Any, offset: int = 0) -> Any:
    """ḡ on the diagonal: above the middle an element stands in the row of its number, below in the column."""
    if offset == 0 and x.shape[-1] == x.shape[-2]:
        return identity(xp, x) * g[..., None, :]
    zeros = xp.zeros_like(x[..., :, 0] if offset >= 0 else x[..., 0, :])
    padded = xp.concat([g, zeros[..., g.shape[-1] :]], axis=-1)
    return identity(xp, x, offset) * (padded[..., :, None] if offset >= 0 else padded[..., None, :])
