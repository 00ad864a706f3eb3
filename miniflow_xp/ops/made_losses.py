"""as_loss: a loss of a function of arrays."""

from collections.abc import Callable
from typing import Any, ClassVar

from miniflow_xp import checks
from miniflow_xp.arrays.calls import boxed
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Operand
from miniflow_xp.ops.function import class_of, filled, ours_of, reduced_to_function, value_of
from miniflow_xp.ops.losses import Loss


class MadeLoss(Loss):
    """A loss whose terms are those of a user's function: ``function(y, output, **keywords)``."""

    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        y: Operand,
        output: Operand,
        name: str | None = None,
        *,
        reduction: str = "mean",
        sample_weights: "Operand | None" = None,
        **keywords: Any,
    ) -> None:
        super().__init__(y, output, name, reduction=reduction, sample_weights=sample_weights)
        self.keywords = keywords

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        ours = ours_of(xp)
        found = value_of(self, xp, [boxed(y, ours), boxed(output, ours)], filled(self.keywords, xp, ()))
        if shape_of(found) or not shape_of(y):
            return found
        if len(self.inbound_nodes) == 3:
            raise ShapeError(
                str(self),
                "its function returned one number",
                "sample weights need a term for each example",
                "Return the terms: they are averaged",
            )
        return xp.broadcast_to(found, shape_of(y)[:1])  # the mean of the examples stands for each of them

    def __reduce_ex__(self, protocol: Any) -> Any:
        return reduced_to_function(self) or super().__reduce_ex__(protocol)


def as_loss(function: Callable[..., Any], name: str | None = None) -> type[MadeLoss]:
    """A decorator that makes a loss class of a function of arrays, which also takes a lambda.

    The function is given target and output. It returns the terms, in whatever shape, which are averaged; or a number,
    which is the mean over the examples, those of the first axis of the target. It takes its functions from
    ``array_namespace(output)``; its gradient is that of what it calls. ``Cubic(y, output, name=..., reduction=...,
    sample_weights=...)`` makes the node; other keywords are handed to the function.
    """
    checks.function(function, "as_loss", "it is a function of two arrays", "Write as_loss(lambda y, a: abs(y - a))")
    found: type[MadeLoss] = class_of(function, name, MadeLoss)
    return found
