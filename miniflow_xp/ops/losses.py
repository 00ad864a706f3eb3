"""Costs: MSE for measurements, CrossEntropy for classes. The target comes first, as in the lesson."""

from copy import copy

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import in_one_order, shape_of
from miniflow_xp.checks import one_of
from miniflow_xp.dtypes import wide
from miniflow_xp.errors import DtypeError, LabelError, ShapeError
from miniflow_xp.node import Node, Operand, Thunk


class Loss(Node):
    """A sum of terms over the examples, or their mean.

    ``reduction``: ``"mean"`` or ``"sum"``. The mean is the sum divided by the weight, which is the number of terms;
    sums and weights of parts of a batch add up to those of the whole, means do not. Of half precision all are float32.
    """

    is_cost = True
    takes_numbers = False

    def __init__(self, y: Operand, output: Operand, name: str | None = None, *, reduction: str = "mean") -> None:
        super().__init__([y, output], name)
        self.reduction = one_of(reduction, ("mean", "sum"), f"{self}, reduction")

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        """The terms, in whatever shape."""
        raise NotImplementedError

    def compute(self, xp: Namespace, y: Array, output: Array) -> Array:
        terms = wide(xp, self.terms(xp, y, output))
        return xp.sum(terms) if self.reduction == "sum" else xp.mean(terms)

    def weight(self, xp: Namespace, y: Array, output: Array) -> Array:
        """The number of terms, a scalar; counted from the data, so that it holds where a shape is not known yet."""
        return count(xp, self.terms(xp, y, output))

    def scale(self, xp: Namespace, gradient: Array, y: Array, output: Array) -> Array:
        """The gradient of one term."""
        return gradient if self.reduction == "sum" else gradient / self.weight(xp, y, output)


class MSE(Loss):
    """mean((y - a)²); y and a have the same shape, but for axes of one element; the result is a scalar.

    Both are compared element by element, so a target (n,) fits an output (n, 1). With ``reduction="sum"`` it is
    Σ (y - a)².
    """

    gives_columns = True

    def __init__(self, y: Operand, a: Operand, name: str | None = None, *, reduction: str = "mean") -> None:
        super().__init__(y, a, name, reduction=reduction)

    def check(self, y: Array, a: Array) -> None:
        if not in_one_order(shape_of(y), shape_of(a)):
            raise ShapeError(
                str(self),
                f"y is {shape_of(y)} but a is {shape_of(a)}",
                "y and a are compared element by element, in the same shape but for axes of one element",
                "Feed one target for each output, in the shape of the output",
            )

    def terms(self, xp: Namespace, y: Array, a: Array) -> Array:
        d = difference(xp, y, a)
        return d * d

    def vjp(self, xp: Namespace, gradient: Array, value: Array, y: Array, a: Array) -> tuple[Thunk, Thunk]:
        d = difference(xp, y, a)
        scale = gradient if self.reduction == "sum" else gradient / count(xp, d)  # d once for both

        def slope(sign: int, shape: tuple[int, ...]) -> Array:
            return in_shape(xp, sign * 2 * scale * d, shape)

        return lambda: slope(1, y.shape), lambda: slope(-1, a.shape)

    def weight(self, xp: Namespace, y: Array, a: Array) -> Array:
        return count(xp, difference(xp, y, a))


class CrossEntropy(Loss):
    """-mean(log softmax(logits)[i, yᵢ]); y is (n,) integer labels 0 … k-1, logits (n, k), the result a scalar.

    Further leading axes are allowed: y (…,) and logits (…, k). Declare the labels: ``Input(dtype=int)``. With
    ``reduction="sum"`` it is the sum over the labels.
    """

    def __init__(self, y: Operand, logits: Operand, name: str | None = None, *, reduction: str = "mean") -> None:
        super().__init__(y, logits, name, reduction=reduction)

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

    def terms(self, xp: Namespace, y: Array, logits: Array) -> Array:
        shifted, e = exponentials(xp, logits)
        picked = xp.where(is_label(xp, y, logits), shifted, 0.0)
        return xp.log(xp.sum(e, axis=-1)) - xp.sum(picked, axis=-1)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, y: Array, logits: Array) -> tuple[None, Thunk]:
        def softmax_less_target() -> Array:
            _, e = exponentials(xp, logits)
            softmax = e / xp.sum(e, axis=-1, keepdims=True)
            excess = xp.where(is_label(xp, y, logits), softmax - 1, softmax)
            return self.scale(xp, gradient, y, logits) * excess

        return None, softmax_less_target


class Weight(Node):
    """The weight of a loss: the number of terms in its sum, a scalar that has no gradient."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(name=f"weight of {loss}")
        self.inbound_nodes = list(loss.inbound_nodes)  # which do not know of it: it is for frozen graphs only
        self.loss = loss

    def compute(self, xp: Namespace, y: Array, output: Array) -> Array:
        return self.loss.weight(xp, y, output)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, y: Array, output: Array) -> tuple[None, None]:
        return None, None


def as_sum(loss: Loss) -> Loss:
    """The same loss as a sum; a node that its inbound nodes do not know of, for frozen graphs only."""
    return reduced(loss, "sum")


def as_mean(loss: Loss) -> Loss:
    """The same loss as a mean, likewise."""
    return reduced(loss, "mean")


def reduced(loss: Loss, reduction: str) -> Loss:
    """A copy of a loss with this reduction."""
    other = copy(loss)
    other.reduction = reduction
    return other


def difference(xp: Namespace, y: Array, a: Array) -> Array:
    """y - a, element by element; as one row where their shapes differ."""
    y, a = wide(xp, y), wide(xp, a)
    return y - a if y.shape == a.shape else xp.reshape(y, (-1,)) - xp.reshape(a, (-1,))


def in_shape(xp: Namespace, x: Array, shape: tuple[int, ...]) -> Array:
    """``x`` in this shape."""
    return x if x.shape == shape else xp.reshape(x, shape)


def exponentials(xp: Namespace, logits: Array) -> tuple[Array, Array]:
    """logits - max along the last axis, and e to it, which cannot overflow."""
    logits = wide(xp, logits)
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    return shifted, xp.exp(shifted)


def count(xp: Namespace, x: Array) -> Array:
    """Number of elements as a 0-d array, in the dtype of x or wider."""
    return xp.sum(xp.ones_like(wide(xp, x)))


def is_label(xp: Namespace, labels: Array, logits: Array) -> Array:
    """True at each label, in the shape of the logits: one-hot rows."""
    from array_api_compat import device  # here: importing this package stays quick

    # The classes are the library's own integers: the labels' dtype, such as int8, may be too narrow for them.
    classes = xp.arange(logits.shape[-1], device=device(labels))
    return xp.expand_dims(xp.astype(labels, classes.dtype, copy=False), axis=-1) == classes
