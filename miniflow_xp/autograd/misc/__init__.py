"""Trees as vectors, optimizers on them, and fixed points."""

from miniflow_xp.autograd.misc.flatten import flatten

__all__ = ["flatten"]
