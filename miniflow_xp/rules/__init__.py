"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import (
    complexes,
    elementwise,
    indexing,
    manipulation,
    reductions,
    softmax,
    special,
    special_composed,
    special_series,
    special_values,
)

__all__ = [
    "complexes",
    "elementwise",
    "indexing",
    "manipulation",
    "reductions",
    "softmax",
    "special",
    "special_composed",
    "special_series",
    "special_values",
]
