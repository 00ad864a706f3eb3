"""Contractions as products of matrices, which NumPy computes right into a buffer."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from miniflow_xp.backends.numpy.primitives import shows_all
from miniflow_xp.broadcasting import summed_axes
from miniflow_xp.recording.equations import Value


def with_products(values: Sequence[Value]) -> list[Value]:
    """The same equations with each tensordot as a product of two matrices, whose axes are brought into order before."""
    written = Matrices()
    for value in values:
        if is_product(value):
            written.contract(value)
        written.equations.append(value)
    return written.equations


def is_product(value: Value) -> bool:
    """Is this a tensordot of arrays of one dtype, which has elements?"""
    if value.op != "tensordot":
        return False
    return len({value.dtype, *[parent.dtype for parent in value.parents]}) == 1 and 0 not in value.shape


class Matrices:
    """Equations in the making; an array that several contractions need in one order is brought into it once."""

    def __init__(self) -> None:
        self.equations: list[Value] = []
        self._known: dict[Any, Value] = {}

    def contract(self, value: Value) -> None:
        """Make of a tensordot the product of two matrices, in the shape that it has."""
        a, b = value.inputs[:2]
        of_a, of_b = summed_axes(value.keywords.get("axes", 2), len(a.shape), len(b.shape))
        left = self._matrix(a, others(a, of_a), of_a)
        right = self._matrix(b, of_b, others(b, of_b))
        product = self._enter("matmul", (left, right), (left.shape[0], right.shape[1]), is_view=False)
        value.become("reshape", (product, value.shape))
        value.is_view = True

    def _matrix(self, x: Value, rows: list[int], columns: list[int]) -> Value:
        """x as a matrix of these axes: by a view, where memory has them in this order, or in that of its transpose."""
        order, turned = (*rows, *columns), (*columns, *rows)
        shape = prod(x.shape[n] for n in rows), prod(x.shape[n] for n in columns)
        if in_order(turned) and not in_order(order):
            return self._enter("matrix_transpose", (self._matrix(x, columns, rows),), shape, is_view=True)
        if x.shape == shape and in_order(order):
            return x
        if not (in_order(order) and shows_all(x)):
            x = self._enter("permute_dims", (x, order), tuple([x.shape[n] for n in order]), is_view=False)
        return self._enter("reshape", (x, shape), shape, is_view=True)

    def _enter(self, op: str, inputs: tuple[Any, ...], shape: tuple[int, ...], is_view: bool) -> Value:
        """The equation, which is written where it is not there yet."""
        key = op, inputs
        if key not in self._known:
            self._known[key] = Value(op, inputs, {}, np.empty(shape, inputs[0].dtype), is_view)
            self.equations.append(self._known[key])
        return self._known[key]


def others(x: Value, axes: Sequence[int]) -> list[int]:
    """The axes of x that are not among these."""
    return [n for n in range(len(x.shape)) if n not in axes]


def in_order(axes: Sequence[int]) -> bool:
    """Do these axes come in the order of memory?"""
    return list(axes) == sorted(axes)
