"""The rules, a family a file; each node is one class that says its mathematics once, for every array library."""

from miniflow_xp.ops.activations import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from miniflow_xp.ops.arithmetic import Add, Mul, Neg, Sub
from miniflow_xp.ops.linear import Linear, MatMul
from miniflow_xp.ops.losses import MSE, CrossEntropy
from miniflow_xp.ops.normalisation import Standardise

__all__ = [
    "MSE",
    "Add",
    "CrossEntropy",
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
