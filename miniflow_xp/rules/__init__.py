"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import einsum, elementwise, fourier, indexing, manipulation, products, reductions

__all__ = ["einsum", "elementwise", "fourier", "indexing", "manipulation", "products", "reductions"]
