"""How BLAS sees matrices: row-major products without copies, as arguments of a column-major one."""

from math import prod
from typing import NamedTuple, TypeAlias

Shape: TypeAlias = tuple[int, ...]


class GemmArguments(NamedTuple):
    """out = A B in rows is outᵀ = Bᵀ Aᵀ in columns: B comes first, and a row-major buffer is its own transpose.

    ``m`` columns and ``n`` rows of out, ``k`` summed; ``ld_…``: elements from one row (or column) to the next.
    """

    transpose_b: int
    transpose_a: int
    m: int
    n: int
    k: int
    ld_b: int
    ld_a: int
    ld_out: int


def gemm_arguments(
    a: tuple[Shape, Shape], b: tuple[Shape, Shape], out: tuple[Shape, Shape], itemsize: int
) -> GemmArguments | None:
    """Arguments of a product of matrices given as (shape, strides in bytes); None where one would have to be copied."""
    (n, k), m = a[0], b[0][1]
    found = leading(*a, itemsize), leading(*b, itemsize), leading(*out, itemsize)
    if found[0] is None or found[1] is None or found[2] is None or not found[2][1]:
        return None
    (ld_a, a_rows), (ld_b, b_rows), (ld_out, _) = found[0], found[1], found[2]
    return GemmArguments(0 if b_rows else 1, 0 if a_rows else 1, m, n, k, ld_b, ld_a, ld_out)


class StackArguments(NamedTuple):
    """Arguments for each of ``products`` in a product of stacks; ``step_…``: elements from one matrix to the next."""

    each: GemmArguments
    step_b: int
    step_a: int
    step_out: int
    products: int


def stack_arguments(
    a: tuple[Shape, Shape], b: tuple[Shape, Shape], out: tuple[Shape, Shape], itemsize: int
) -> StackArguments | None:
    """Arguments of a product of stacks of one shape, given as above; a matrix is a stack of one."""
    each = gemm_arguments(last_two(*a), last_two(*b), last_two(*out), itemsize)
    steps = step(*b, itemsize), step(*a, itemsize), step(*out, itemsize)
    if each is None or steps[0] is None or steps[1] is None or steps[2] is None:
        return None
    return StackArguments(each, steps[0], steps[1], steps[2], prod(out[0][:-2]))


def last_two(shape: Shape, strides: Shape) -> tuple[Shape, Shape]:
    """Shape and strides of each matrix."""
    return shape[-2:], strides[-2:]


def step(shape: Shape, strides: Shape, itemsize: int) -> int | None:
    """Elements from one matrix to the next, 0 where it is always the same one; None where steps are uneven."""
    found, count = 0, 1
    for length, stride in zip(shape[-3::-1], strides[-3::-1], strict=True):
        if length != 1:
            found = stride if count == 1 else found
            if stride != found * count:
                return None
            count *= length
    return found // itemsize if found >= 0 and found % itemsize == 0 else None


def leading(shape: Shape, strides: Shape, itemsize: int) -> tuple[int, bool] | None:
    """(elements from one row to the next, True) for rows end to end, (columns, False) likewise; None for others.

    An axis of one element may have any stride.
    """
    rows, columns = shape
    if ordered(columns, rows, strides[1], strides[0], itemsize):
        return (columns if rows == 1 else strides[0] // itemsize), True
    if ordered(rows, columns, strides[0], strides[1], itemsize):
        return (rows if columns == 1 else strides[1] // itemsize), False
    return None


def ordered(inner: int, outer: int, step: int, jump: int, itemsize: int) -> bool:
    """Do runs of ``inner`` elements, ``step`` bytes apart and ``outer`` in number, ``jump`` apart, not overlap?"""
    return (inner == 1 or step == itemsize) and (outer == 1 or (jump % itemsize == 0 and jump >= inner * itemsize))
