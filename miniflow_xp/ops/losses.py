"""Costs: MSE for measurements, CrossEntropy for classes. The target comes first, as in the lesson."""

from math import prod

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import DtypeError, LabelError, ShapeError
from miniflow_xp.node import Node, Operand, Thunk
from miniflow_xp.ops.activations import log_softmax


class MSE(Node):
    """mean((y - a)²); y and a have equally many elements, in whatever shapes; the result is a scalar.

    Both are compared element by element in their order, so a target (n,) fits an output (n, 1).
    """

    is_cost = True
    takes_numbers = False
    gives_columns = True

    def __init__(self, y: Operand, a: Operand, name: str | None = None) -> None:
        super().__init__([y, a], name)

    def check(self, y: Array, a: Array) -> None:
        if prod(shape_of(y)) != prod(shape_of(a)):
            raise ShapeError(
                str(self),
                f"y is {shape_of(y)} but a is {shape_of(a)}",
                f"y and a need equally many elements, not {prod(shape_of(y))} and {prod(shape_of(a))}",
                "Feed one target for each output",
            )

    def compute(self, xp: Namespace, y: Array, a: Array) -> Array:
        d = difference(xp, y, a)
        return xp.mean(d * d)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, y: Array, a: Array) -> tuple[Thunk, Thunk]:
        def scaled(sign: int, shape: tuple[int, ...]) -> Array:
            d = difference(xp, y, a)
            return xp.reshape(sign * 2 * gradient / count(xp, d) * d, shape)

        return lambda: scaled(1, shape_of(y)), lambda: scaled(-1, shape_of(a))


class CrossEntropy(Node):
    """-mean(log softmax(logits)[i, yᵢ]); y is (n,) integer labels 0 … k-1, logits (n, k), the result a scalar.

    Further leading axes are allowed: y (…,) and logits (…, k). Declare the labels: ``Input(dtype=int)``.
    """

    is_cost = True
    takes_numbers = False

    def __init__(self, y: Operand, logits: Operand, name: str | None = None) -> None:
        super().__init__([y, logits], name)

    def check(self, y: Array, logits: Array) -> None:
        if not hasattr(y, "dtype") or dtypes.name_of(y) not in dtypes.INTEGERS:
            raise DtypeError(
                str(self),
                f"the labels are {dtypes.name_of(y) if hasattr(y, 'dtype') else type(y).__name__}",
                "labels are integers",
                "Declare their Input: Input(dtype=int)",
            )
        if shape_of(logits)[:-1] != shape_of(y) or not shape_of(logits):
            raise ShapeError(
                str(self),
                f"the labels are {shape_of(y)} but the logits {shape_of(logits)}",
                "logits have the axes of the labels and one more, for the classes",
                "Feed one label for each row of logits, not a column or one-hot rows",
            )

    def check_values(self, xp: Namespace, y: Array, logits: Array) -> None:
        low, high, classes = int(xp.min(y)), int(xp.max(y)), shape_of(logits)[-1]
        if low < 0 or high >= classes:
            raise LabelError(
                str(self),
                f"the labels go from {low} to {high}",
                f"with {classes} classes they go from 0 to {classes - 1}",
                "Number the classes from 0, or widen the last layer",
            )

    def compute(self, xp: Namespace, y: Array, logits: Array) -> Array:
        picked = xp.where(is_label(xp, y, logits), log_softmax(xp, logits, -1), 0.0)
        return -xp.mean(xp.sum(picked, axis=-1))

    def vjp(self, xp: Namespace, gradient: Array, value: Array, y: Array, logits: Array) -> tuple[None, Thunk]:
        def softmax_less_target() -> Array:
            softmax = xp.exp(log_softmax(xp, logits, -1))
            excess = xp.where(is_label(xp, y, logits), softmax - 1, softmax)
            return gradient / count(xp, logits[..., 0]) * excess

        return None, softmax_less_target


def difference(xp: Namespace, y: Array, a: Array) -> Array:
    """y - a as one row."""
    return xp.reshape(y, (-1,)) - xp.reshape(a, (-1,))


def count(xp: Namespace, x: Array) -> Array:
    """Number of elements as a 0-d array; read from the data, so that it also holds where a shape is not known yet."""
    return xp.sum(xp.ones_like(x))


def is_label(xp: Namespace, labels: Array, logits: Array) -> Array:
    """True at each label, in the shape of the logits: one-hot rows."""
    from array_api_compat import device  # here: importing this package stays quick

    # The classes are the library's own integers: the labels' dtype, such as int8, may be too narrow for them.
    classes = xp.arange(logits.shape[-1], device=device(labels))
    return xp.expand_dims(xp.astype(labels, classes.dtype, copy=False), axis=-1) == classes
