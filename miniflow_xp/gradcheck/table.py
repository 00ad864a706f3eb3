"""The table of array functions on a backend: is each one's value right, its gradient, and what is replayed of it?"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import array_api_compat.numpy as host_namespace
import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.arrays.traced import ground
from miniflow_xp.backend import Array, Backend
from miniflow_xp.gradcheck.differences import gradcheck
from miniflow_xp.gradcheck.examples import FUNCTIONS, examples_of
from miniflow_xp.gradcheck.examples.case import Case
from miniflow_xp.switch import use_backend
from miniflow_xp.transforms.gradients import value_and_grad
from miniflow_xp.transforms.jit import jit
from miniflow_xp.transforms.pullback import differentiable_namespace


class Finding(NamedTuple):
    """What was found of a function; each is an empty text where all is well.

    ``wrong``: what is wrong. ``why_plain``: why it is run call by call where it should be replayed.
    """

    function: str
    wrong: str
    why_plain: str


def findings(backend: Backend, functions: Sequence[str] = FUNCTIONS) -> Iterator[Finding]:
    """What is found of the first example of each function that the backend's library has."""
    for name in functions:
        case = next((case for case in examples_of(name) if backend.name not in case.skip), None)
        if case is not None:
            yield examine(backend, case)


def examine(backend: Backend, case: Case) -> Finding:
    """A call: its value beside NumPy's, its gradients beside central differences, and both beside what is replayed."""
    why_plain = ""
    with use_backend(backend):
        arrays = [backend.asarray(array) for array in case.arrays]
        try:
            expect_value(backend, case, arrays)
            gradcheck(case.alone(), *arrays, elements=2)
            why_plain = expect_replay(backend, case, arrays)
        except Exception as error:
            return Finding(case.op, f"{case}: {type(error).__name__}: {error}", why_plain)
    return Finding(case.op, "", why_plain)


def expect_value(backend: Backend, case: Case, arrays: Sequence[Array]) -> None:
    """Raise AssertionError where the value is not NumPy's."""
    if "numpy" not in case.skip:
        expected = plain_value(case, host_namespace, case.arrays)
        found = plain_value(case, backend.xp, arrays)
        expect_same("the value", backend.to_numpy(found), expected)


def plain_value(case: Case, library: Any, arrays: Sequence[Array]) -> Array:
    """What the library itself gives, of arrays that know our namespace."""
    xp = differentiable_namespace(library)
    return ground(case.call(xp, *map(xp.asarray, arrays)))


def expect_replay(backend: Backend, case: Case, arrays: Sequence[Array]) -> str:
    """Raise AssertionError where a replay gives other numbers than the plain calls; returns why nothing is replayed."""
    if not case.shaped:
        return "its shape depends on contents"
    plain = value_and_grad(weighed(case), tuple(range(len(arrays))))
    replayed = jit(plain)
    value, gradients = plain(*arrays)
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*not captured", RuntimeWarning)  # it is told below
            again, others = replayed(*arrays)
        for found, expected in zip([again, *others], [value, *gradients], strict=True):
            expect_same("what is replayed", backend.to_numpy(found), backend.to_numpy(expected))
    return "" if replayed.captured is None else replayed.captured.why_plain


def expect_same(what: str, found: Any, expected: Any) -> None:
    """Raise AssertionError where two arrays of the host share less than half of their digits."""
    bound = float(np.finfo(found.dtype).eps) ** 0.5 * max(1.0, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound, err_msg=what)


def weighed(case: Case) -> Callable[..., Any]:
    """The call's result as one real number: the sum of its elements, each with a weight of its own."""

    def number(*arrays: Any) -> Any:
        xp = arrays[0].__array_namespace__()
        value = case.call(xp, *arrays)
        if dtypes.is_complex(value):
            value = xp.real(value) + 2 * xp.imag(value)
        weights = xp.cos(xp.arange(value.size, dtype=value.dtype))
        return xp.sum(xp.reshape(weights, value.shape) * value)

    return number
