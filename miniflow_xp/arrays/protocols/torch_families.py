"""All of PyTorch's functions: importing this fills the table."""

from miniflow_xp.arrays.protocols import (
    torch_elementwise,
    torch_linalg,
    torch_networks,
    torch_reductions,
    torch_shapes,
)

__all__ = [
    "torch_elementwise",
    "torch_linalg",
    "torch_networks",
    "torch_reductions",
    "torch_shapes",
]
