"""Cumulative functions: cumulative_sum, cumulative_prod."""

from typing import Any

from miniflow_xp.arrays.tables import rule
from miniflow_xp.rules.algebra import conj
from miniflow_xp.rules.reductions import before


@rule("cumulative_sum")
def _cumulative_sum(
    xp: Any, g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    def back() -> Any:
        along = axis_of(axis, x)
        arrived = without_initial(g, along) if include_initial else g
        return xp.flip(xp.cumulative_sum(xp.flip(arrived, axis=along), axis=along), axis=along)

    return (back,)


@rule("cumulative_prod")
def _cumulative_prod(
    xp: Any, g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """x̄ⱼ = Σ_{k≥j} ḡₖ Π_{i≤k, i≠j} xᵢ = (Π_{i<j} xᵢ) sⱼ with sⱼ = ḡⱼ + xⱼ₊₁ sⱼ₊₁: right where some xᵢ are 0."""

    def back() -> Any:
        along = axis_of(axis, x)
        arrived = without_initial(g, along) if include_initial else g
        factors = conj(xp, xp.moveaxis(x, along, -1))
        if factors.dtype != arrived.dtype:
            factors = xp.astype(factors, arrived.dtype)
        return xp.moveaxis(before(xp, factors) * recurrence(xp, factors, xp.moveaxis(arrived, along, -1)), -1, along)

    return (back,)


def axis_of(axis: int | None, x: Any) -> int:
    """The axis, counted from 0; an array of one axis needs no word of it."""
    return 0 if axis is None else axis % len(x.shape)


def without_initial(g: Any, axis: int) -> Any:
    """The gradient without that of the first element, which is constant."""
    return g[(*[slice(None)] * axis, slice(1, None), ...)]


def recurrence(xp: Any, x: Any, g: Any) -> Any:
    """sⱼ = ḡⱼ + xⱼ₊₁ sⱼ₊₁ along the last axis, by doubling the stride: after each pass, sⱼ has twice as many terms."""
    factor, total, stride = x, g, 1
    while stride < g.shape[-1]:
        factor = later(xp, factor, 1) if stride == 1 else factor * later(xp, factor, stride // 2)
        total = total + factor * later(xp, total, stride)
        stride *= 2
    return total


def later(xp: Any, x: Any, stride: int) -> Any:
    """xⱼ₊ₛ at place j; 0 beyond the end."""
    return xp.concat([x[..., stride:], xp.zeros_like(x[..., :stride])], axis=-1)
