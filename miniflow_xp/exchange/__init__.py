"""Doors to other libraries: functions and models as layers of PyTorch and JAX, weights, shared memory, ONNX."""

from miniflow_xp.exchange.dlpack import from_dlpack
from miniflow_xp.exchange.layers import to_jax, to_torch
from miniflow_xp.exchange.onnx.export import export_onnx
from miniflow_xp.exchange.weights.state import load_state_dict, state_dict

__all__ = ["export_onnx", "from_dlpack", "load_state_dict", "state_dict", "to_jax", "to_torch"]
