"""Costs: MSE for measurements, CrossEntropy for classes. The target comes first, as in the lesson."""

from collections.abc import Iterable, Sequence
from copy import copy
from math import prod

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import in_one_order, shape_of
from miniflow_xp.checks import MOST, each, fraction, not_negative, one_of, whole
from miniflow_xp.dtypes import wide
from miniflow_xp.errors import DtypeError, LabelError, ShapeError
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Node, Operand, Thunk
from miniflow_xp.ops.labels import as_index, is_label, like


class Loss(Node):
    """A sum of terms over the examples, or their mean.

    ``reduction``: ``"mean"`` or ``"sum"``. The mean is the sum divided by the weight, which is the number of terms;
    sums and weights of parts of a batch add up to those of the whole, means do not. Of half precision all are float32.

    ``sample_weights``: a node or an array, (n,) for n examples, or of the first axes of the terms. Each term then
    counts so often: the mean is Σ wᵢ tᵢ / Σ wᵢ.

    A subclass says its ``terms``. It may have a ``check`` and a ``vjp`` of its own, which take the weights as a last
    input where there are some; without a ``vjp`` it has the gradient of what its terms call.
    """

    is_cost = True
    takes_numbers = False

    def __init__(
        self,
        y: Operand,
        output: Operand,
        name: str | None = None,
        *,
        reduction: str = "mean",
        sample_weights: "Operand | None" = None,
    ) -> None:
        super().__init__([y, output] if sample_weights is None else [y, output, sample_weights], name)
        self.reduction = one_of(reduction, ("mean", "sum"), f"{self}, reduction")

    @property
    def counts_terms(self) -> bool:
        """Is the weight the number of terms, which shapes say?"""
        return len(self.inbound_nodes) == 2

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        """The terms, in whatever shape."""
        raise NotImplementedError(f"{self} has no terms: define them")

    def compute(self, xp: Namespace, y: Array, output: Array, *weights: Array) -> Array:
        terms = wide(xp, self.terms(xp, y, output))
        if weights:
            terms = terms * self.along(xp, terms, *weights)
        if self.reduction == "sum":
            return xp.sum(terms)
        return xp.mean(terms) if self.counts_terms else xp.sum(terms) / self.weight(xp, y, output, *weights)

    def weight(self, xp: Namespace, y: Array, output: Array, *weights: Array) -> Array:
        """What the mean divides by, a scalar; counted from the data: it holds where a shape is not known yet."""
        ones = self.shares(xp, y, output)
        return xp.sum(ones * self.along(xp, ones, *weights)) if weights else xp.sum(ones)

    def shares(self, xp: Namespace, y: Array, output: Array) -> Array:
        """What each term adds to the weight, in the shape of the terms: 1."""
        return xp.ones_like(wide(xp, self.terms(xp, y, output)))

    def scale(self, xp: Namespace, gradient: Array, y: Array, output: Array, *weights: Array) -> Array:
        """The gradient of one term; of each, in the shape of the terms, where there are weights."""
        each = gradient if self.reduction == "sum" else gradient / self.weight(xp, y, output, *weights)
        return each * self.along(xp, self.shares(xp, y, output), *weights) if weights else each

    def along(self, xp: Namespace, terms: Array, weights: Array) -> Array:
        """The weights of the samples, as they multiply the terms; raises ShapeError."""
        shape = (prod(shape_of(weights)),) if terms.ndim == 1 else shape_of(weights)
        if shape != shape_of(terms)[: len(shape)]:
            raise ShapeError(
                str(self),
                f"the sample weights are {shape_of(weights)} but the terms {shape_of(terms)}",
                "there is one weight for each example: they have the first axes of the terms",
                f"Feed weights of shape {shape_of(terms)[:1]}",
            )
        spread = xp.reshape(weights, shape + (1,) * (terms.ndim - len(shape)))
        return xp.astype(spread, terms.dtype, copy=False)


class MSE(Loss):
    """mean((y - a)²); y and a have the same shape, but for axes of one element; the result is a scalar.

    Both are compared element by element, so a target (n,) fits an output (n, 1). With ``reduction="sum"`` it is
    Σ (y - a)².
    """

    gives_columns = True

    def __init__(
        self,
        y: Operand,
        a: Operand,
        name: str | None = None,
        *,
        reduction: str = "mean",
        sample_weights: "Operand | None" = None,
    ) -> None:
        super().__init__(y, a, name, reduction=reduction, sample_weights=sample_weights)

    def check(self, y: Array, a: Array, *weights: Array) -> None:
        check_pairs(self, y, a)

    def terms(self, xp: Namespace, y: Array, a: Array) -> Array:
        d = difference(xp, y, a)
        return d * d

    def vjp(
        self, xp: Namespace, gradient: Array, value: Array, y: Array, a: Array, *weights: Array
    ) -> Sequence[Thunk | None]:
        if weights:
            return super().vjp(xp, gradient, value, y, a, *weights)
        d = difference(xp, y, a)
        share = gradient if self.reduction == "sum" else gradient / xp.sum(xp.ones_like(d))
        scale = 2 * share  # d and this once for both
        return lambda: in_shape(xp, scale * d, y.shape), lambda: in_shape(xp, -scale * d, a.shape)

    def shares(self, xp: Namespace, y: Array, a: Array) -> Array:
        return xp.ones_like(difference(xp, y, a))


class CrossEntropy(Loss):
    """-mean(log softmax(logits)[i, yᵢ]); y is (n,) integer labels 0 … k-1, logits (n, k), the result a scalar.

    Further leading axes are allowed: y (…,) and logits (…, k). Declare the labels: ``Input(dtype=int)``. Floats y in
    the shape of the logits are probabilities: -mean(Σⱼ yᵢⱼ log softmax(logits)ᵢⱼ). With ``reduction="sum"`` it is the
    sum over the labels.

    ``class_weights``: k numbers, how often a label of each class counts; probabilities are multiplied by them.
    ``ignored``: a label that does not count. ``label_smoothing``: ε, which makes (1 - ε) q + ε / k of the target's
    probabilities q (Szegedy et al., arXiv:1512.00567, section 7). The mean divides by the weights of the labels that
    count, and is NaN where none does; of probabilities it divides by their number.
    """

    def __init__(
        self,
        y: Operand,
        logits: Operand,
        name: str | None = None,
        *,
        reduction: str = "mean",
        sample_weights: "Operand | None" = None,
        class_weights: Iterable[float] | None = None,
        ignored: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(y, logits, name, reduction=reduction, sample_weights=sample_weights)
        rule, remedy = "it is a number for each class", "Write class_weights=[1, 2, 0.5]"
        given = each(
            [] if class_weights is None else class_weights, lambda w: True, f"{self}, class_weights", rule, remedy
        )
        self.class_weights = [not_negative(w, f"{self}, class_weights") for w in given]
        self.ignored = None if ignored is None else whole(ignored, f"{self}, ignored", -MOST)
        self.label_smoothing = fraction(label_smoothing, f"{self}, label_smoothing")

    @property
    def counts_terms(self) -> bool:
        return super().counts_terms and not self.class_weights and self.ignored is None

    def check(self, y: Array, logits: Array, *weights: Array) -> None:
        name = dtypes.name_of(y) if hasattr(y, "dtype") else type(y).__name__
        wanted, soft = shape_of(logits), name in dtypes.FLOATS and shape_of(y) == shape_of(logits)
        if name not in dtypes.INTEGERS and not soft:
            raise DtypeError(
                str(self),
                f"the labels are {name}",
                "labels are integers",
                "Declare their Input: Input(dtype=int); probabilities have the shape of the logits",
            )
        if not wanted or not (soft or wanted[:-1] == shape_of(y)):
            raise ShapeError(
                str(self),
                f"the labels are {shape_of(y)} but the logits {shape_of(logits)}",
                "logits have the axes of the labels and one more, for the classes",
                "Feed one label for each row of logits, not a column or one-hot rows",
            )
        if len(self.class_weights) not in (0, wanted[-1]):
            raise ShapeError(
                str(self),
                f"there are {len(self.class_weights)} class weights, and the logits are {wanted}",
                "each class has one weight",
                f"Give {wanted[-1]} numbers",
            )
        if soft and self.ignored is not None:
            raise DtypeError(
                str(self),
                f"the labels are {name}, and label {self.ignored} is ignored",
                "probabilities have no label to ignore",
                "Give sample_weights of 0 to the examples that do not count",
            )

    def check_values(self, xp: Namespace, y: Array, logits: Array, *weights: Array) -> None:
        if not hasattr(y, "dtype") or dtypes.name_of(y) in dtypes.FLOATS:
            return
        classes = shape_of(logits)[-1]
        labels = xp.where(self.counts(xp, y), y, xp.zeros_like(y))
        low, high = int(xp.min(labels)), int(xp.max(labels))
        if low < 0 or high >= classes:
            raise LabelError(
                str(self),
                f"the labels go from {low} to {high}",
                f"with {classes} classes they go from 0 to {classes - 1}",
                "Number the classes from 0, or widen the last layer",
            )

    def is_plain(self, y: Array) -> bool:
        """Are these labels, each of which counts once for its own class?"""
        return self.counts_terms and not self.label_smoothing and dtypes.name_of(y) in dtypes.INTEGERS

    def terms(self, xp: Namespace, y: Array, logits: Array) -> Array:
        shifted, e = exponentials(xp, logits)
        if self.is_plain(y):
            picked = xp.where(is_label(xp, y, logits), shifted, 0.0)
            return xp.log(xp.sum(e, axis=-1)) - xp.sum(picked, axis=-1)
        target = self.target(xp, y, shifted)
        surprise = xp.log(xp.sum(e, axis=-1, keepdims=True)) - shifted
        is_shut = (target == 0) & xp.isinf(surprise)  # a class of logit -∞, which does not count: 0 · ∞ is 0 here
        return xp.sum(target * xp.where(is_shut, 0.0, surprise), axis=-1)

    def vjp(
        self, xp: Namespace, gradient: Array, value: Array, y: Array, logits: Array, *weights: Array
    ) -> Sequence[Thunk | None]:
        if weights or not self.is_plain(y):
            return super().vjp(xp, gradient, value, y, logits, *weights)

        def softmax_less_target() -> Array:
            _, e = exponentials(xp, logits)
            softmax = e / xp.sum(e, axis=-1, keepdims=True)
            excess = xp.where(is_label(xp, y, logits), softmax - 1, softmax)
            return self.scale(xp, gradient, y, logits) * excess

        return None, softmax_less_target

    def target(self, xp: Namespace, y: Array, logits: Array) -> Array:
        """How much each class counts in each term, in the shape and dtype of the logits."""
        found = xp.astype(y if y.ndim == logits.ndim else is_label(xp, y, logits), logits.dtype, copy=False)
        if self.label_smoothing:
            found = (1 - self.label_smoothing) * found + self.label_smoothing / shape_of(logits)[-1]
        if self.class_weights:
            found = found * like(xp, self.class_weights, logits)
        if self.ignored is None:
            return found
        return found * xp.expand_dims(xp.astype(self.counts(xp, y), logits.dtype), axis=-1)

    def shares(self, xp: Namespace, y: Array, logits: Array) -> Array:
        logits = wide(xp, logits)
        if y.ndim == logits.ndim or not self.class_weights:
            ones = xp.ones_like(xp.sum(logits, axis=-1))
        else:
            ones = xp.sum(xp.where(is_label(xp, y, logits), like(xp, self.class_weights, logits), 0.0), axis=-1)
        return ones if self.ignored is None else ones * xp.astype(self.counts(xp, y), ones.dtype)

    def counts(self, xp: Namespace, y: Array) -> Array:
        """True at the labels that are not ignored."""
        return xp.ones_like(y, dtype=xp.bool) if self.ignored is None else as_index(xp, y) != self.ignored


class Weight(Node):
    """The weight of a loss: what its mean divides by, a scalar that has no gradient."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(name=f"weight of {loss}")
        self.inbound_nodes = list(loss.inbound_nodes)  # which do not know of it: it is for frozen graphs only
        self.loss = loss

    def compute(self, xp: Namespace, *inputs: Array) -> Array:
        return self.loss.weight(xp, *inputs)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, *inputs: Array) -> list[None]:
        return [None] * len(inputs)


def loss_of(cost: Node) -> Loss | None:
    """The loss whose terms a cost is weighed by: itself, or the only one that it is made of, as with a penalty added.

    None where there is none, several, or one that is a sum inside of something else: parts then count alike.
    """
    if isinstance(cost, Loss):
        return cost
    found = [node for node in ancestors([cost]) if isinstance(node, Loss)]
    return found[0] if len(found) == 1 and found[0].reduction == "mean" else None


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


def check_pairs(loss: Loss, y: Array, a: Array) -> None:
    """Raise ShapeError unless target and output are compared element by element."""
    if not in_one_order(shape_of(y), shape_of(a)):
        raise ShapeError(
            str(loss),
            f"y is {shape_of(y)} but a is {shape_of(a)}",
            "y and a are compared element by element, in the same shape but for axes of one element",
            "Feed one target for each output, in the shape of the output",
        )
