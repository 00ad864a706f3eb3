"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import einsum, elementwise, fourier, indexing, linalg, manipulation, products, reductions

__all__ = ["einsum", "elementwise", "fourier", "indexing", "linalg", "manipulation", "products", "reductions"]
