"""The rules, a family a file; each node is one class that says its mathematics once, for every array library."""

from miniflow_xp.ops.activations import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from miniflow_xp.ops.arithmetic import Add, Mul, Neg, Sub
from miniflow_xp.ops.divergence import KLDivergence
from miniflow_xp.ops.linear import Linear, MatMul
from miniflow_xp.ops.losses import MSE, CrossEntropy
from miniflow_xp.ops.normalisation import Standardise
from miniflow_xp.ops.pair_losses import MAE, BinaryCrossEntropy, Huber

__all__ = [
    "MAE",
    "MSE",
    "Add",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "KLDivergence",
    "Linear",
    "LogSoftmax",
    "MatMul",
    "Mul",
    "Neg",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Standardise",
    "Sub",
    "Tanh",
]
