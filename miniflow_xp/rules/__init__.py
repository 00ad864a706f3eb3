"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import (
    beyond,
    creation,
    cumulative,
    einsum,
    elementwise,
    fourier,
    indexing,
    linalg,
    manipulation,
    numerics,
    products,
    reductions,
    sorting,
    statistics,
)

__all__ = [
    "beyond",
    "creation",
    "cumulative",
    "einsum",
    "elementwise",
    "fourier",
    "indexing",
    "linalg",
    "manipulation",
    "numerics",
    "products",
    "reductions",
    "sorting",
    "statistics",
]
