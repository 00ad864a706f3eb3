"""How BLAS sees matrices: row-major products without copies, as arguments of a column-major one."""

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
