"""Doors to other libraries: functions and models as layers of PyTorch and JAX, weights, shared memory, ONNX."""

from miniflow_xp.exchange.layers import to_jax, to_torch
from miniflow_xp.exchange.onnx.export import export_onnx

__all__ = ["export_onnx", "to_jax", "to_torch"]
