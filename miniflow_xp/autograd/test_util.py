"""``check_grads``: derivatives, of each mode and order, against central differences along random vectors."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from miniflow_xp.autograd.core import differentiable, make_jvp, make_vjp
from miniflow_xp.autograd.spaces import vspace
from miniflow_xp.autograd.wrap_util import name_of, unary_to_nary
from miniflow_xp.errors import GradcheckError, SettingError

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6
MODES = ("fwd", "rev")

Fun = Callable[..., Any]


def scalar_close(a: Any, b: Any) -> bool:
    """Are two numbers equal but for 10⁻⁶, absolutely or relatively?"""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f: Fun, x: Any) -> Fun:
    """v ↦ (f(x + εv/2) - f(x - εv/2)) / ε."""
    space, of_value = vspace(x), vspace(f(x))

    def jvp(v: Any) -> Any:
        above = f(space.add(x, space.scalar_mul(v, EPS / 2)))
        below = f(space.add(x, space.scalar_mul(v, -EPS / 2)))
        return of_value.scalar_mul(of_value.add(above, of_value.scalar_mul(below, -1.0)), 1.0 / EPS)

    return jvp


def check_vjp(f: Fun, x: Any) -> None:
    """Compare the pullback with differences, along two random vectors."""
    vjp, y = make_vjp(f, x)
    space, of_value = vspace(x), vspace(y)
    x_v, y_v = space.randn(), of_value.randn()
    gradient = space.covector(vjp(of_value.covector(y_v)))
    if vspace(gradient) != space:
        raise wrong(f, x, "VJP", vspace(gradient), space)
    exact = space.inner_prod(x_v, gradient)
    numeric = of_value.inner_prod(y_v, make_numerical_jvp(f, x)(x_v))
    if not scalar_close(numeric, exact):
        raise wrong(f, x, "VJP", exact, numeric)


def check_jvp(f: Fun, x: Any) -> None:
    """Compare the derivative along a random vector with differences."""
    v = vspace(x).randn()
    check_equivalent(make_jvp(f, x)(v)[1], make_numerical_jvp(f, x)(v), f"jvp of {name_of(f)}")


def check_equivalent(x: Any, y: Any, where: str = "two values") -> None:
    """Raise GradcheckError where two values differ, in form or along a random vector."""
    space, other = vspace(x), vspace(y)
    if space != other:
        raise GradcheckError(where, f"one is {space}, the other {other}", "they have one form", "Compare equal forms")
    v = space.randn()
    if not scalar_close(space.inner_prod(x, v), space.inner_prod(y, v)):
        raise GradcheckError(where, f"one is {x}, the other {y}", "they are equal", "Look at the rule")


@unary_to_nary
def check_grads(f: Fun, x: Any, modes: Sequence[str] = MODES, order: int = 2) -> None:
    """Raise GradcheckError where a derivative of f at x, up to this order, differs from central differences."""
    if not set(modes) <= set(MODES):
        raise SettingError("check_grads", f"modes are {modes}", "they are of 'fwd' and 'rev'", "Choose of these")
    x = differentiable(x)
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:
            jvp = named(lambda x, v: make_jvp(f, x)(v)[1], f"jvp_{name_of(f)}")
            check_grads(jvp, (0, 1), modes, order=order - 1)(x, vspace(x).randn())
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:
            vjp = named(lambda x, v: make_vjp(f, x)[0](v), f"vjp_{name_of(f)}")
            check_grads(vjp, (0, 1), modes, order=order - 1)(x, vspace(f(x)).randn())


def combo_check(fun: Fun, *args: Any, **kwargs: Any) -> Fun:
    """``check_grads(fun, *args, **kwargs)`` at all combinations of the arguments that are listed."""

    def check(*lists: Any, **keyword_lists: Any) -> None:
        pairs = [[(name, item) for item in items] for name, items in keyword_lists.items()]
        for given in product(*lists):
            for keywords in product(*pairs):
                check_grads(fun, *args, **kwargs)(*given, **dict(keywords))

    return check


def named(fun: Fun, name: str) -> Fun:
    """A function with a name for messages."""
    fun.__name__ = name
    return fun


def wrong(f: Fun, x: Any, kind: str, came: Any, wanted: Any) -> GradcheckError:
    """The error for a gradient that is wrong."""
    return GradcheckError(
        f"Derivative ({kind}) check of {name_of(f)} failed with arg {x}",
        f"it is {came}",
        f"differences give {wanted}",
        "Look at the rule",
    )
