"""scipy.sparse: products of a sparse array, which is a constant, with dense ones, and systems of equations."""

from miniflow_xp.scipy.sparse import products, systems

__all__ = ["products", "systems"]
