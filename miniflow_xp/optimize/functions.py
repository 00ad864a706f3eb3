"""A user's function as SciPy calls it: of vectors on the host, with the derivatives that are asked for.

The function itself runs on the device of the parameters. At one point it runs once for value and derivatives: what was
found at the last point is kept.
"""

from collections.abc import Callable
from copy import copy
from functools import wraps
from math import isfinite
from typing import Any

from miniflow_xp.errors import DivergedError
from miniflow_xp.optimize.form import Form, check_closed, raveled
from miniflow_xp.transforms.gradients import as_constant, jvp, one_like, value_and_grad
from miniflow_xp.transforms.jit import jit, name_of
from miniflow_xp.transforms.pullback import vjp
from miniflow_xp.transforms.trees import tree_map


class Objective:
    """A scalar function of a vector: value, gradient, and its Hessian times a vector; the last point is remembered."""

    def __init__(self, function: Callable[..., Any], form: Form, args: tuple[Any, ...], captured: bool) -> None:
        self._form = form
        self._args = args
        self._where = f"{form.where}, {name_of(function)}"
        both = value_and_grad(function)

        @wraps(function)
        def alone(vector: Any, *args: Any) -> Any:
            value = function(form.unravel(vector), *args)
            one_like(value, function)
            return value

        @wraps(function)
        def step(vector: Any, *args: Any) -> tuple[Any, Any]:
            value, gradient = both(form.unravel(vector), *args)
            return value, form.ravel(gradient)

        self._alone = jit(alone) if captured else alone
        self._step = jit(step) if captured else step
        self._slope = VectorMap(lambda vector, *args: step(vector, *args)[1], form, args, captured, self._where)
        self._last: tuple[Any, float, Any] | None = None
        self._begun = False

    def value_alone(self, x: Any) -> float:
        """f at x, (n,), for methods that know no gradient: f need have none."""
        return self._number(self._alone(self._form.device(x), *self._args))

    def value(self, x: Any) -> float:
        return self.value_and_gradient(x)[0]

    def gradient(self, x: Any) -> Any:
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """f and ∇f at x, (n,)."""
        if self._last is None or not same(self._last[0], x):
            x = x.copy()  # SciPy may write to its own
            value, gradient = self._step(self._form.device(x), *self._args)
            self._last = x, self._number(value), self._form.host(gradient)
        return self._last[1], self._last[2].copy()

    def _number(self, value: Any) -> float:
        """A value on the host; raises DivergedError where the first one is not finite."""
        check_closed(value, self._where)
        number = float(self._form.host(value))
        if not self._begun and not isfinite(number):
            raise not_finite(self._where, number)
        self._begun = True
        return number

    def hessian_product(self, x: Any, v: Any) -> Any:
        """∇²f v, (n,)."""
        return self._slope.pull(x, v)

    def hessian(self, x: Any) -> Any:
        """∇²f, (n, n)."""
        return self._slope.matrix(x)


class VectorMap:
    """A function of a vector with values in vectors, r: (n,) ↦ (m,), and products with its Jacobian J."""

    def __init__(
        self, function: Callable[..., Any], form: Form, args: tuple[Any, ...], captured: bool, where: str
    ) -> None:
        self._form = form
        self._where = where
        self.args = args
        self._captured = captured
        self._function = function
        if captured:
            self._value = jit(function)
            self._pull = jit(lambda x, g, *args: pull_of(function, x, args)[1](g))
            self._push = jit(lambda x, v, *args: push_of(function, x, v, args))
        self._last: Any = None

    def given(self, *args: Any) -> "VectorMap":
        """The same function with other arguments; what was recorded serves both."""
        other = copy(self)
        other.args = args
        return other

    def value(self, x: Any) -> Any:
        """r(x), (m,)."""
        self._at(x)
        return self._last.value.copy()

    def pull(self, x: Any, g: Any) -> Any:
        """ḡ J, (n,)."""
        self._at(x)
        return self._form.host(self._last.pull(self._form.device(g)))

    def push(self, x: Any, v: Any) -> Any:
        """J v, (m,)."""
        self._at(x)
        return self._form.host(self._last.push(self._form.device(v)))

    def matrix(self, x: Any) -> Any:
        """J, (m, n): by rows or by columns, whichever are fewer."""
        import numpy as np

        m, n = len(self.value(x)), len(x)
        if m <= n:
            return np.stack([self.pull(x, e) for e in np.eye(m)])
        return np.stack([self.push(x, e) for e in np.eye(n)], axis=1)

    def operator(self, x: Any) -> Any:
        """J as SciPy's LinearOperator."""
        from scipy.sparse.linalg import LinearOperator

        x, m = x.copy(), len(self.value(x))
        return LinearOperator(
            (m, len(x)),
            matvec=lambda v: self.push(x, v.reshape(-1)),
            rmatvec=lambda g: self.pull(x, g.reshape(-1)),
            dtype=float,
        )

    def _at(self, x: Any) -> None:
        if self._last is None or self._last.args is not self.args or not same(self._last.x, x):
            x, args = x.copy(), self.args  # SciPy may write to its own
            device = self._form.device(x)
            if self._captured:
                value = self._value(device, *args)
                last = Point(
                    x,
                    lambda g: self._pull(device, g, *args),
                    lambda v: self._push(device, v, *args),
                )
            else:
                value, pull = pull_of(self._function, device, args)
                last = Point(x, pull, push_by(pull, value))
            check_closed(value, self._where)
            last.value, last.args = self._form.host(value), args
            self._last = last


class Point:
    """Where a function was evaluated last: x, value, and products with its Jacobian there."""

    value: Any
    args: tuple[Any, ...]

    def __init__(self, x: Any, pull: Callable[[Any], Any], push: Callable[[Any], Any]) -> None:
        self.x = x
        self.pull = pull
        self.push = push


def pull_of(function: Callable[..., Any], x: Any, args: tuple[Any, ...]) -> tuple[Any, Callable[[Any], Any]]:
    """f(x, …), and ḡ ↦ ḡ ∂f/∂x."""
    constants = tree_map(as_constant, args)
    value, pullback = vjp(lambda x: function(x, *constants), x)
    return value, lambda g: pullback(g)[0]


def push_of(function: Callable[..., Any], x: Any, v: Any, args: tuple[Any, ...]) -> Any:
    """∂f/∂x v."""
    constants = tree_map(as_constant, args)
    return jvp(lambda x: function(x, *constants), (x,), (v,))[1]


def push_by(pull: Callable[[Any], Any], value: Any) -> Callable[[Any], Any]:
    """v ↦ J v, the transpose of ḡ ↦ ḡ J, which is linear; made when first asked for."""
    kept: list[Any] = []

    def push(v: Any) -> Any:
        if not kept:
            kept.append(vjp(pull, value)[1])
        return kept[0](v)[0]

    return push


def of_vector(function: Callable[..., Any], form: Form, where: str) -> Callable[..., Any]:
    """A function of a tree, with a tree as its value, as one of vectors."""

    def found(vector: Any, *args: Any) -> Any:
        return raveled(function(form.unravel(vector), *args), form.dtype, where)

    return found


def same(x: Any, y: Any) -> bool:
    """Are these the same vector, to the last bit?"""
    return bool((x == y).all())


def not_finite(where: str, number: float) -> DivergedError:
    """The error for a start from which nothing leads on."""
    return DivergedError(
        where,
        f"its value at x0 is {number}",
        "iterations begin where the function is finite",
        "Choose another x0, or look for the NaN by calling the function there",
    )
