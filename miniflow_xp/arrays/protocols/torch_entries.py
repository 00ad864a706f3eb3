"""The table of PyTorch's functions, filled."""

from miniflow_xp.arrays.protocols import (
    torch_elementwise,
    torch_linalg,
    torch_networks,
    torch_reductions,
    torch_shapes,
)
from miniflow_xp.arrays.protocols.tables import TORCH

__all__ = [
    "TORCH",
    "torch_elementwise",
    "torch_linalg",
    "torch_networks",
    "torch_reductions",
    "torch_shapes",
]
