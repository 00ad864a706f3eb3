"""Roots and fixed points: where F(x) = 0, where T(x) = x."""

from collections.abc import Callable
from itertools import pairwise
from math import inf
from typing import Any

from miniflow_xp import checks
from miniflow_xp.errors import ConvergenceError
from miniflow_xp.optimize.form import Form, grounded, is_differentiated
from miniflow_xp.optimize.functions import VectorMap
from miniflow_xp.optimize.implicit import in_vectors, root_of, solution
from miniflow_xp.optimize.linear import allowed, dot, norm
from miniflow_xp.optimize.result import Result
from miniflow_xp.optimize.scipy_door import scipy_optimize
from miniflow_xp.transforms.jit import jit as captured_function
from miniflow_xp.transforms.pullback import check_function

WITH_JACOBIAN = ("hybr", "lm")


def root(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    method: str = "hybr",
    *,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
    jit: bool = False,
    solver: str | None = None,
) -> Result:
    """The x where f(x, *args) = 0, by ``scipy.optimize.root``; the Jacobian, for hybr and lm, is ours.

    x0 is an array or a tree of them, of any backend, and f's value has its form. ``jit``: f is recorded and replayed.
    ``x`` of the result has gradients with respect to ``args``, to any order, by the theorem of implicit functions;
    ``solver`` is that of its linear systems, see ``linear_solve``. Raises ConvergenceError where gradients are asked of
    a root that was not reached.
    """
    check_function(f, "root")
    args = args if isinstance(args, tuple) else (args,)
    form = Form(x0, "root")
    residual = in_vectors(f, form)

    def solve(*args: Any) -> Result:
        values = VectorMap(residual, form, args, jit, "root")
        found = scipy_optimize("root").root(
            values.value,
            form.host(form.ravel(form.start)),
            method=method,
            jac=values.matrix if method in WITH_JACOBIAN else None,
            tol=tol,
            callback=None
            if callback is None
            else lambda x, r: callback(*[form.unravel(form.device(v.copy())) for v in (x, r)]),
            options=options,
        )
        return Result(found, x=form.unravel(form.device(found.x)))

    if not is_differentiated(args):
        return solve(*grounded(args))
    found, x = solution(residual, solve, form, args, "root", solver)
    return Result(found, x=x)


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    tol: float | None = None,
    maxiter: int = 1000,
    memory: int = 5,
    jit: bool = False,
    solver: str | None = None,
) -> Any:
    """The x with f(x, *args) = x, in the form of x0, by Anderson's iterations on the device of x0.

    ``memory``: how many earlier steps each iteration combines; 0 is x ← f(x). It ends where f moves x by at most
    ``tol`` of its length (usual: ε^⅔, 4e-11 in float64, 2e-5 in float32). ``jit``: f is recorded and
    replayed. x has gradients with respect to ``args``, to any order, by the theorem of implicit functions; ``solver``
    is that of its linear systems, see ``linear_solve``. Raises ConvergenceError after ``maxiter`` iterations without
    such an x.
    """
    check_function(f, "fixed_point")
    checks.whole(maxiter, "maxiter", 1)
    checks.whole(memory, "memory", 0)
    args = args if isinstance(args, tuple) else (args,)
    form = Form(x0, "fixed_point")
    step = in_vectors(f, form)
    replayed = captured_function(step) if jit else step

    def find(*args: Any) -> Any:
        start = form.ravel(form.start)
        bound = allowed(start) if tol is None else checks.positive(tol, "tol")
        return iterated(lambda x: replayed(x, *args), start, bound, maxiter, memory)

    if not is_differentiated(args):
        return form.unravel(find(*grounded(args)))
    return form.unravel(root_of(lambda x, *args: step(x, *args) - x, find, args, solver))


def iterated(step: Callable[[Any], Any], x: Any, tol: float, maxiter: int, memory: int) -> Any:
    """The x that ``step`` leaves alone; raises ConvergenceError."""
    points: list[Any] = []
    moves: list[Any] = []
    length = moved = 0.0
    for _ in range(maxiter):
        there = step(x)
        move = there - x
        length, moved = norm(there), norm(move)
        if not max(length, moved) < inf:
            break
        if moved <= tol * length:
            return there
        points, moves = [*points, there][-memory - 1 :], [*moves, move][-memory - 1 :]
        x = combined(points, moves)
    raise ConvergenceError(
        "fixed_point",
        f"the last step moved x by {moved:.1e}, and x has length {length:.1e}",
        f"it moves x by at most {tol:.1e} of its length within {maxiter} steps",
        "Begin nearer, allow more steps, or make the map a contraction",
    )


def combined(points: list[Any], moves: list[Any]) -> Any:
    """The combination of f(x)'s for which that of the moves is the shortest, with weights of sum 1 (Anderson 1965)."""
    import numpy as np

    if len(points) == 1:
        return points[0]
    changes = [later - earlier for earlier, later in pairwise(moves)]
    gram = np.array([[dot(a, b) for b in changes] for a in changes])
    right = np.array([dot(a, moves[-1]) for a in changes])
    weights = np.linalg.lstsq(gram, right, rcond=1e-14)[0]
    x = points[-1]
    for weight, (earlier, later) in zip(weights, pairwise(points), strict=True):
        x = x - float(weight) * (later - earlier)
    return x
