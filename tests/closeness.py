"""How near is near: bounds on errors of rounding, by dtypes and sizes; central differences, also along directions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from miniflow_xp.transforms.trees import flatten

STEP = float(np.finfo("float64").eps) ** (1 / 3)
"""The step of central differences at which their truncation and rounding balance."""

ROUNDED = 1e-9
"""Relative to the largest element: some thousand roundings of 1e-16 each, which a solver's condition enlarges."""

ROUNDINGS = 8
"""A term of a rule's sum has gone through at most so many operations, each off by at most half an epsilon, and the
``exp``, ``log`` and ``tanh`` of the libraries by at most two."""


def rounding(dtype: str, *arrays: Any) -> float:
    """Bound on the error of a rule's result in ``dtype``, for ``arrays``: its inputs and the reference result.

    Such a result sums at most n terms, n the elements of the largest array; no term is larger than the largest
    element, or 1: the table's samplers see to that. An error of ROUNDINGS epsilons a term adds up to the bound.
    """
    n = max(np.size(array) for array in arrays)
    largest = max(1.0, *(float(np.max(np.abs(array))) for array in arrays))
    return ROUNDINGS * n * float(np.finfo(dtype).eps) * largest


def assert_close(got: np.ndarray, expected: Any, bound: float) -> None:
    """Equal shapes, and no element off by more than ``bound``; equal infinities are equal."""
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


def central_differences(
    function: Callable[..., Any], inputs: Sequence[np.ndarray], weights: np.ndarray, position: int
) -> tuple[np.ndarray, float]:
    """∂ Σ weights·function / ∂ inputs[position], element by element, in float64; and a bound on its error.

    The truncation is h²/6 of the third derivative, which is below 6 in each output for every row of the table; the
    rounding is that of two sums of products, divided by 2h.
    """
    quotients = np.empty(np.shape(inputs[position]))
    for place in np.ndindex(quotients.shape):
        ends, sums = [], []
        for sign in (1, -1):
            moved = [np.array(array) for array in inputs]
            moved[position][place] += sign * STEP
            ends.append(moved[position][place])
            sums.append(np.sum(weights * function(*moved)))
        quotients[place] = (sums[0] - sums[1]) / (ends[0] - ends[1])
    terms = weights * function(*inputs)
    return quotients, terms.size * STEP**2 + rounding("float64", terms, *inputs) / STEP


def directions(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A random direction for each array, complex where the array is."""
    random = np.random.default_rng(2)
    return [
        random.normal(size=a.shape) + (1j * random.normal(size=a.shape) if np.iscomplexobj(a) else 0) for a in arrays
    ]


def along(gradients: Sequence[Any], moves: Sequence[np.ndarray]) -> Any:
    """The real inner product of gradients with directions."""
    return sum(np.real(np.sum(np.conj(g) * v)) for g, v in zip(gradients, moves, strict=True))


def slope(function: Callable[..., Any], arrays: Sequence[np.ndarray], moves: Sequence[np.ndarray]) -> Any:
    """The derivative of a function of arrays along directions, by central differences."""
    ends = [function(*[a + sign * STEP * v for a, v in zip(arrays, moves, strict=True)]) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * STEP)


def assert_near(got: float, expected: float, bound: float) -> None:
    """Two numbers that differ by no more than ``bound``, relative to the larger of 1 and the expected one."""
    assert abs(got - expected) <= bound * max(1.0, abs(expected)), (got, expected)


def assert_same(got: Any, expected: Any) -> None:
    """Trees of arrays that two ways of computing the same give: they differ by no more than ROUNDED."""
    if isinstance(expected, dict):
        expected = {name: expected[name] for name in got}  # JAX sorts them
    for a, b in zip(flatten(got)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDED * max(1.0, float(np.max(np.abs(b)))))
