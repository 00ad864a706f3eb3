"""Automatic differentiation written once against the Array API, on NumPy, CuPy, PyTorch, JAX and others."""

from typing import TYPE_CHECKING, Any

from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import sgd_update
from miniflow_xp.errors import MiniflowError
from miniflow_xp.gradcheck.differences import gradcheck
from miniflow_xp.graph import forward_and_backward, forward_pass, topological_sort
from miniflow_xp.node import Elementwise, Input, Node, Parameter
from miniflow_xp.ops import (
    MAE,
    MSE,
    Add,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    KLDivergence,
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
    from miniflow_xp import optimize as optimize  # by name: mf.optimize
    from miniflow_xp import special
    from miniflow_xp.drawing import draw
    from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp
    from miniflow_xp.engine.program import Program
    from miniflow_xp.engine.trainer import Trainer
    from miniflow_xp.estimators import NetworkClassifier as NetworkClassifier
    from miniflow_xp.estimators import NetworkRegressor as NetworkRegressor
    from miniflow_xp.exchange import export_onnx, from_dlpack, load_state_dict, state_dict, to_jax, to_torch
    from miniflow_xp.layers import (
        BatchNorm,
        Conv1D,
        Conv2D,
        Dense,
        Dropout,
        Embedding,
        Flatten,
        Layer,
        LayerNorm,
        MaxPool,
        MeanPool,
        MultiHeadAttention,
        Sequential,
    )
    from miniflow_xp.nonfinite import find_nonfinite
    from miniflow_xp.ops.function import as_node
    from miniflow_xp.ops.losses import Loss
    from miniflow_xp.ops.made_losses import as_loss
    from miniflow_xp.training import Validation, evaluate, fit, predict
    from miniflow_xp.training.batches import Batches
    from miniflow_xp.transforms.custom import checkpoint, custom_vjp
    from miniflow_xp.transforms.gradients import grad, hessian, hvp, jacobian, jvp, value_and_grad
    from miniflow_xp.transforms.jit import jit
    from miniflow_xp.transforms.pullback import differentiable_namespace, stop_gradient, vjp

__all__ = [
    "MAE",
    "MSE",
    "SGD",
    "Adam",
    "AdamW",
    "Add",
    "Backend",
    "BatchNorm",
    "Batches",
    "BinaryCrossEntropy",
    "Conv1D",
    "Conv2D",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Elementwise",
    "Embedding",
    "Flatten",
    "Huber",
    "Input",
    "KLDivergence",
    "Layer",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MatMul",
    "MaxPool",
    "MeanPool",
    "MiniflowError",
    "Mul",
    "MultiHeadAttention",
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
    "as_loss",
    "as_node",
    "available_backends",
    "checkpoint",
    "custom_vjp",
    "differentiable_namespace",
    "draw",
    "evaluate",
    "export_onnx",
    "find_nonfinite",
    "fit",
    "forward_and_backward",
    "forward_pass",
    "from_dlpack",
    "get_backend",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "load_state_dict",
    "predict",
    "set_backend",
    "sgd_update",
    "special",
    "state_dict",
    "stop_gradient",
    "to_jax",
    "to_numpy",
    "to_torch",
    "topological_sort",
    "use_backend",
    "value_and_grad",
    "vjp",
]

_LATER = {  # imported when first used: the lesson needs none of these, and importing this package stays quick
    "SGD": "engine.optim",
    "Adam": "engine.optim",
    "AdamW": "engine.optim",
    "Batches": "training.batches",
    "Validation": "training",
    "draw": "drawing",
    "evaluate": "training",
    "find_nonfinite": "nonfinite",
    "fit": "training",
    "predict": "training",
    "BatchNorm": "layers",
    "Conv1D": "layers",
    "Conv2D": "layers",
    "Dense": "layers",
    "Dropout": "layers",
    "Embedding": "layers",
    "Flatten": "layers",
    "Layer": "layers",
    "LayerNorm": "layers",
    "MaxPool": "layers",
    "MeanPool": "layers",
    "MultiHeadAttention": "layers",
    "Sequential": "layers",
    "NetworkClassifier": "estimators",  # not in __all__, which has to be there without scikit-learn
    "NetworkRegressor": "estimators",
    "Loss": "ops.losses",
    "Program": "engine.program",
    "RMSProp": "engine.optim",
    "Trainer": "engine.trainer",
    "as_loss": "ops.made_losses",
    "as_node": "ops.function",
    "checkpoint": "transforms.custom",
    "custom_vjp": "transforms.custom",
    "differentiable_namespace": "transforms.pullback",
    "grad": "transforms.gradients",
    "hessian": "transforms.gradients",
    "hvp": "transforms.gradients",
    "jacobian": "transforms.gradients",
    "jit": "transforms.jit",
    "jvp": "transforms.gradients",
    "stop_gradient": "transforms.pullback",
    "value_and_grad": "transforms.gradients",
    "export_onnx": "exchange",
    "from_dlpack": "exchange",
    "load_state_dict": "exchange",
    "state_dict": "exchange",
    "to_jax": "exchange",
    "to_torch": "exchange",
    "vjp": "transforms.pullback",
}


def __getattr__(name: str) -> Any:
    """The public names of ``_LATER``, and the rooms that are used by their names."""
    from importlib import import_module

    if name in ("optimize", "special"):
        return import_module(f"{__name__}.{name}")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return found
