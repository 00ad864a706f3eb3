"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import (
    creation,
    cumulative,
    einsum,
    elementwise,
    indexing,
    manipulation,
    products,
    reductions,
)

__all__ = [
    "creation",
    "cumulative",
    "einsum",
    "elementwise",
    "indexing",
    "manipulation",
    "products",
    "reductions",
]
