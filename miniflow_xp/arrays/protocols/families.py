"""All of NumPy's functions: importing this fills the tables."""

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

__all__ = [
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
