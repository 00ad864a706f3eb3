"""The tables of NumPy's functions, filled."""

from miniflow_xp.arrays.protocols import (
    creation,
    differences,
    fourier,
    joining,
    linalg,
    looking,
    polynomials,
    products,
    reductions,
    refused,
    selecting,
    shapes,
    statistics,
    ufuncs,
    writing,
)
from miniflow_xp.arrays.protocols.tables import FUNCTIONS, OPERATIONS, REFUSED, UFUNCS

__all__ = [
    "FUNCTIONS",
    "OPERATIONS",
    "REFUSED",
    "UFUNCS",
    "creation",
    "differences",
    "fourier",
    "joining",
    "linalg",
    "looking",
    "polynomials",
    "products",
    "reductions",
    "refused",
    "selecting",
    "shapes",
    "statistics",
    "ufuncs",
    "writing",
]
