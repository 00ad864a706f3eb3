"""Linear algebra: the standard's extension, and what users miss in it. After Giles (2008), for stacks of matrices."""

from miniflow_xp.rules.linalg import (
    decompositions,
    determinants,
    diagonals,
    eigenvalues,
    inverses,
    norms,
    powers,
    singular,
    triangular,
)

__all__ = [
    "decompositions",
    "determinants",
    "diagonals",
    "eigenvalues",
    "inverses",
    "norms",
    "powers",
    "singular",
    "triangular",
]
