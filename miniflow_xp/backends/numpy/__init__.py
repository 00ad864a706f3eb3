"""Capture on NumPy: a recorded step is laid out in buffers once and then replayed without allocating."""

from miniflow_xp.backends.numpy.plan import Plan

__all__ = ["Plan"]
