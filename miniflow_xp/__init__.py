"""Automatic differentiation written once against the Array API, on NumPy, CuPy, PyTorch, JAX and others."""

from typing import TYPE_CHECKING, Any

from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import sgd_update
from miniflow_xp.errors import MiniflowError
from miniflow_xp.gradcheck.differences import gradcheck
from miniflow_xp.graph import forward_and_backward, forward_pass, topological_sort
from miniflow_xp.node import Elementwise, Input, Node, Parameter
from miniflow_xp.ops import (
    MSE,
    Add,
    CrossEntropy,
    Linear,
    LogSoftmax,
    MatMul,
    Mul,
    Neg,
    ReLU,
    Sigmoid,
    Softmax,
    Standardise,
    Sub,
    Tanh,
)
from miniflow_xp.switch import available_backends, get_backend, set_backend, to_numpy, use_backend
from miniflow_xp.system.version import __version__ as __version__

if TYPE_CHECKING:
    from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp
    from miniflow_xp.engine.program import Program
    from miniflow_xp.engine.trainer import Trainer
    from miniflow_xp.layers import Dense, Dropout, Layer, LayerNorm, Sequential
    from miniflow_xp.training import Validation, evaluate, fit, predict
    from miniflow_xp.training.batches import Batches

__all__ = [
    "MSE",
    "SGD",
    "Adam",
    "AdamW",
    "Add",
    "Backend",
    "Batches",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Elementwise",
    "Input",
    "Layer",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "MatMul",
    "MiniflowError",
    "Mul",
    "Neg",
    "Node",
    "Parameter",
    "Program",
    "RMSProp",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Standardise",
    "Sub",
    "Tanh",
    "Trainer",
    "Validation",
    "available_backends",
    "evaluate",
    "fit",
    "forward_and_backward",
    "forward_pass",
    "get_backend",
    "gradcheck",
    "predict",
    "set_backend",
    "sgd_update",
    "to_numpy",
    "topological_sort",
    "use_backend",
]

_LATER = {  # imported when first used: the lesson needs none of these, and importing this package stays quick
    "SGD": "engine.optim",
    "Adam": "engine.optim",
    "AdamW": "engine.optim",
    "Batches": "training.batches",
    "Validation": "training",
    "evaluate": "training",
    "fit": "training",
    "predict": "training",
    "Dense": "layers",
    "Dropout": "layers",
    "Layer": "layers",
    "LayerNorm": "layers",
    "Sequential": "layers",
    "Program": "engine.program",
    "RMSProp": "engine.optim",
    "Trainer": "engine.trainer",
}


def __getattr__(name: str) -> Any:
    """The public names of ``_LATER``."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return found
