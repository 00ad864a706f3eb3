"""Doors to other libraries: functions and models as layers of PyTorch and JAX, weights, shared memory, ONNX."""

from miniflow_xp.exchange.layers import to_jax, to_torch

__all__ = ["to_jax", "to_torch"]
