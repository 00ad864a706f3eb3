"""Rules: the vector-Jacobian product of every function that has one, a family a file."""

from miniflow_xp.rules import creation, cumulative, elementwise, indexing, manipulation, reductions

__all__ = ["creation", "cumulative", "elementwise", "indexing", "manipulation", "reductions"]
