"""Contractions as products of matrices, which NumPy computes right into a buffer."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from miniflow_xp.backends.numpy.primitives import shows_all
from miniflow_xp.broadcasting import summed_axes
from miniflow_xp.recording.equations import Value


def with_products(values: Sequence[Value]) -> list[Value]:
    """The same equations with each tensordot as a product of two matrices, whose axes are brought into order before.

    An array that several contractions need in one order is brought into it once.
    """
    found: list[Value] = []
    known: dict[Any, Value] = {}

    def enter(op: str, inputs: tuple[Any, ...], shape: tuple[int, ...], is_view: bool) -> Value:
        key = op, inputs
        if key not in known:
            known[key] = Value(op, inputs, {}, np.empty(shape, inputs[0].dtype), is_view)
            found.append(known[key])
        return known[key]

    def matrix(x: Value, rows: list[int], columns: list[int]) -> Value:
        """x as a matrix of these axes: by a view, where memory has them in this order, or in that of its transpose."""
        order, turned = (*rows, *columns), (*columns, *rows)
        shape = prod(x.shape[n] for n in rows), prod(x.shape[n] for n in columns)
        if in_order(turned) and not in_order(order):
            return enter("matrix_transpose", (matrix(x, columns, rows),), shape, is_view=True)
        if x.shape == shape and in_order(order):
            return x
        if not (in_order(order) and shows_all(x)):
            x = enter("permute_dims", (x, order), tuple([x.shape[n] for n in order]), is_view=False)
        return enter("reshape", (x, shape), shape, is_view=True)

    for value in values:
        if (
            value.op == "tensordot"
            and len({value.dtype, *[p.dtype for p in value.parents]}) == 1
            and 0 not in value.shape
        ):
            a, b = value.inputs[:2]
            of_a, of_b = summed_axes(value.keywords.get("axes", 2), len(a.shape), len(b.shape))
            left = matrix(a, [n for n in range(len(a.shape)) if n not in of_a], of_a)
            right = matrix(b, of_b, [n for n in range(len(b.shape)) if n not in of_b])
            product = Value("matmul", (left, right), {}, np.empty((left.shape[0], right.shape[1]), value.dtype))
            found.append(product)
            value.become("reshape", (product, value.shape))
            value.is_view = True
        found.append(value)
    return found


def in_order(axes: Sequence[int]) -> bool:
    """Do these axes come in the order of memory?"""
    return list(axes) == sorted(axes)
