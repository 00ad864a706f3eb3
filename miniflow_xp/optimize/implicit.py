"""Derivatives of solutions, by the theorem of implicit functions: custom_root, custom_fixed_point, linear_solve.

Where F(x, θ) = 0, dx = -(∂F/∂x)⁻¹ ∂F/∂θ dθ. So ḡ of x becomes -λ ∂F/∂θ of θ, where λ solves λ ∂F/∂x = ḡ: a linear
system, and its solution is again a root, of equations that are linear. So derivatives of any order come out of one
rule, and nothing of how the solution was found is remembered.
"""

from collections.abc import Callable
from functools import wraps
from math import inf
from typing import Any

from miniflow_xp.errors import ConvergenceError
from miniflow_xp.optimize.form import Form, check_closed, grounded, is_differentiated
from miniflow_xp.optimize.functions import pull_of, push_by
from miniflow_xp.optimize.linear import epsilon, norm, solved
from miniflow_xp.optimize.result import Result
from miniflow_xp.transforms.custom import custom_vjp
from miniflow_xp.transforms.gradients import as_constant, grad
from miniflow_xp.transforms.pullback import check_function, vjp
from miniflow_xp.transforms.trees import flatten

TOLD = ("success", "status", "message", "nit", "nfev", "njev", "nhev")

Residual = Callable[..., Any]
"""F(x, *args) of a vector x, (n,), with values (n,)."""


def custom_root(F: Callable[..., Any], *, solver: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """A decorator for ``solve(x0, *args)``, which gives the x where F(x, *args) = 0, in the form of x0.

    What it gives has gradients with respect to ``args``, to any order; x0 has none, and what ``solve`` does inside is
    not differentiated. F's value has the form of x. ``solver``: how linear systems with ∂F/∂x are solved: ``dense``,
    ``cg``, ``gmres``; see ``linear_solve``. Raises ConvergenceError where gradients are asked of an x that is no root:
    where another Newton step would be longer than ε^⅓ of it (6e-6 in float64, 5e-3 in float32).
    """
    check_function(F, "custom_root")

    def decorate(solve: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(solve)
        def found(x0: Any, *args: Any) -> Any:
            if not is_differentiated(args):
                return solve(x0, *args)
            form = Form(x0, "custom_root")
            residual = in_vectors(F, form)
            x = root_of(residual, lambda *args: form.ravel(grounded(solve(form.start, *args))), args, solver)
            return form.unravel(x)

        return found

    return decorate


def custom_fixed_point(T: Callable[..., Any], *, solver: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """The same for the x where T(x, *args) = x."""
    check_function(T, "custom_fixed_point")

    def difference(x: Any, *args: Any) -> Any:
        inner, build = flatten(x)
        return build(iter([there - here for there, here in zip(flatten(T(x, *args))[0], inner, strict=True)]))

    return custom_root(difference, solver=solver)


def linear_solve(
    matvec: Callable[..., Any],
    b: Any,
    args: tuple[Any, ...] = (),
    *,
    solver: str | None = None,
    symmetric: bool = False,
) -> Any:
    """The x with matvec(x, *args) = b, where matvec is linear in x; x and b are arrays, or trees of one form.

    Gradients go to b and to ``args``, to any order. ``solver``: ``dense`` makes the matrix, by n products; ``cg``
    (``symmetric`` positive definite matrices) and ``gmres`` need products alone. None: dense up to 256 unknowns,
    then cg or gmres. Raises ConvergenceError where there is no solution, or the iterations do not reach it.
    """
    check_function(matvec, "linear_solve")
    args = args if isinstance(args, tuple) else (args,)
    form = Form(b, "linear_solve")
    product = in_vectors(matvec, form)

    def residual(x: Any, b: Any, *args: Any) -> Any:
        return product(x, *args) - b

    def find(b: Any, *args: Any) -> Any:
        return solved(lambda v: closed(product(v, *args)), b, solver, symmetric)

    return form.unravel(root_of(residual, find, (form.ravel(b), *args), solver, symmetric, linear=True))


def argmin(
    f: Callable[..., Any], solve: Callable[..., Result], form: Form, args: tuple[Any, ...], where: str
) -> Result:
    """The result of ``solve(*args)``, whose x and fun have gradients: x is a root of ∂f/∂x, and ∂²f/∂x² symmetric."""
    slope = grad(lambda vector, *args: f(form.unravel(vector), *args))
    found, x = solution(slope, solve, form, args, where, symmetric=True)
    return Result(found, x=x, fun=f(x, *args))


def solution(
    residual: Residual,
    solve: Callable[..., Result],
    form: Form,
    args: tuple[Any, ...],
    where: str,
    solver: str | None = None,
    symmetric: bool = False,
) -> tuple[Result, Any]:
    """What ``solve(*args)`` tells of its work, and the x that it found, with its gradients.

    Of the other things that it found none has a gradient: they are left out. Whether x is a solution, its equations
    say: some solvers call themselves unsuccessful where rounding ends them.
    """
    kept: list[Result] = []

    def find(*args: Any) -> Any:
        kept[:] = [solve(*args)]
        return form.ravel(kept[0].x)

    try:
        x = root_of(residual, find, args, solver, symmetric)
    except ConvergenceError as error:
        said = f"; the solver said: {kept[0].message}" if kept else ""
        raise ConvergenceError(where, error.got + said, error.expected, error.remedy) from None
    told = {name: item for name, item in kept[0].items() if name in TOLD}
    return Result(told), form.unravel(x)


def root_of(
    residual: Residual,
    find: Callable[..., Any],
    args: tuple[Any, ...],
    solver: str | None,
    symmetric: bool = False,
    linear: bool = False,
) -> Any:
    """The vector x that ``find(*args)`` gives, where residual(x, *args) = 0, with its gradients.

    ``find`` is handed the library's own arrays. What it gives is checked, but where the equations are ``linear``.
    """

    @custom_vjp
    def x_of(*args: Any) -> Any:
        plain = grounded(args)
        x = find(*plain)
        if not linear:
            check_root(residual, x, plain, solver, symmetric)
        return x

    def forward(*args: Any) -> tuple[Any, Any]:
        x = x_of(*args)
        return x, (x, args)

    def backward(kept: Any, g: Any) -> list[Any]:
        x, args = kept
        pull = transposed_solution(residual, x, args, g, solver, symmetric)
        return gradients_of(residual, x, args, -pull)

    x_of.name = "a solution"
    x_of.defvjp(forward, backward)
    return x_of(*args)


def transposed_solution(
    residual: Residual, x: Any, args: tuple[Any, ...], g: Any, solver: str | None, symmetric: bool
) -> Any:
    """The λ, (n,), with λ ∂F/∂x = ḡ: a root itself, of equations that are linear in it."""

    def equations(v: Any, g: Any, x: Any, *args: Any) -> Any:
        return pull_of(residual, x, args)[1](v) - g

    def find(g: Any, x: Any, *args: Any) -> Any:
        return solved(pull_of(residual, x, args)[1], g, solver, symmetric)

    return root_of(equations, find, (g, x, *args), solver, symmetric, linear=True)


def gradients_of(residual: Residual, x: Any, args: tuple[Any, ...], g: Any) -> list[Any]:
    """g ∂F/∂θ for each argument, in its form; 0 in place of what is no array."""
    found, build = flatten(args)
    places = [n for n, leaf in enumerate(found) if hasattr(leaf, "dtype")]

    def of_arrays(*arrays: Any) -> Any:
        whole = list(found)
        for n, array in zip(places, arrays, strict=True):
            whole[n] = array
        return residual(as_constant(x), *build(iter(whole)))

    _, pull = vjp(of_arrays, *[found[n] for n in places])
    given = dict(zip(places, pull(g), strict=True))
    return list(build(iter([given.get(n, 0.0) for n in range(len(found))])))


def check_root(residual: Residual, x: Any, args: tuple[Any, ...], solver: str | None, symmetric: bool) -> None:
    """Raise ConvergenceError where x is no root: where a Newton step from it is long."""
    value, pull = pull_of(residual, x, args)
    check_closed(value, "a solution")
    away = norm(value)
    if away == 0.0:
        return
    push = pull if symmetric else push_by(pull, value)
    step = norm(solved(push, value, solver, symmetric)) if away < inf else away
    bound = epsilon(x) ** (1 / 3) * max(norm(x), epsilon(x) ** (1 / 3))
    if not step <= bound < inf:
        raise ConvergenceError(
            "a solution",
            f"a Newton step from it has length {step:.1e}, and its equations are off by {away:.1e}",
            f"gradients are those of a solution, from which a step has at most {bound:.1e}",
            "Solve to a smaller tolerance, or allow more iterations",
        )


def in_vectors(function: Callable[..., Any], form: Form) -> Residual:
    """A function of a tree, with values of the same form, as one of vectors."""

    def found(vector: Any, *args: Any) -> Any:
        return form.ravel(function(form.unravel(vector), *args))

    return found


def closed(value: Any) -> Any:
    """A value that depends on nothing that is differentiated outside; raises DifferentiationError."""
    check_closed(value, "linear_solve")
    return value
