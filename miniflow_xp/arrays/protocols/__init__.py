"""Functions of NumPy and PyTorch on traced arrays: their names, said in functions of our namespace.

Each library asks an array that is not its own what to do (``__array_ufunc__``, ``__array_function__``,
``__torch_function__``). The tables say it; a gradient is that of what is called there, and no rule stands here.
"""

from miniflow_xp.arrays.protocols import (  # they fill the tables
    creation,
    differences,
    fourier,
    joining,
    linalg,
    looking,
    polynomials,
    products,
    reductions,
    refused,
    selecting,
    shapes,
    statistics,
    torch_elementwise,
    torch_linalg,
    torch_networks,
    torch_reductions,
    torch_shapes,
    ufuncs,
    writing,
)
from miniflow_xp.arrays.protocols.dispatch import define_protocols
from miniflow_xp.arrays.protocols.torch_dispatch import define_torch_protocol

__all__ = [
    "creation",
    "define_protocols",
    "define_torch_protocol",
    "differences",
    "fourier",
    "joining",
    "linalg",
    "looking",
    "polynomials",
    "products",
    "reductions",
    "refused",
    "selecting",
    "shapes",
    "statistics",
    "torch_elementwise",
    "torch_linalg",
    "torch_networks",
    "torch_reductions",
    "torch_shapes",
    "ufuncs",
    "writing",
]

define_protocols()
define_torch_protocol()
