"""L-BFGS on the device: one step, captured once and replayed, with everything it remembers in arrays.

A step evaluates the function once, at a point of the line that is being searched. Where that point will do, the step
enters it into the memory and makes the next direction; else it halves the interval that the next point is taken from.
Both are computed, and ``where`` chooses. So a step has no branches, each evaluation is one that a search needs, and the
host has nothing to do but to ask from time to time whether it is over.
"""

from collections.abc import Callable
from functools import wraps
from math import inf, isfinite
from typing import Any, NamedTuple

from miniflow_xp import checks
from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.optimize.form import Form, check_closed, grounded, is_differentiated
from miniflow_xp.optimize.functions import not_finite
from miniflow_xp.optimize.implicit import argmin
from miniflow_xp.optimize.linear import EPSILON, epsilon, norm
from miniflow_xp.optimize.result import Result
from miniflow_xp.transforms.gradients import value_and_grad
from miniflow_xp.transforms.jit import jit as captured_function
from miniflow_xp.transforms.jit import name_of
from miniflow_xp.transforms.pullback import check_function

DECREASE, CURVATURE = 1e-4, 0.9
"""Wolfe's conditions: f falls by at least a part of what the slope promises, and the slope to at most this part."""

TRIALS = 40
"""Points of one line; after as many the search has failed, as where rounding hides what is left to gain."""

RUNNING, FLAT, SETTLED, LIMIT, STUCK = range(5)
MESSAGES = {
    FLAT: "the gradient is as small as tol",
    SETTLED: "an iteration gained no more than ftol of f",
    LIMIT: "maxiter iterations have been made",
    STUCK: "the search along a line found no point with Wolfe's conditions",
}


class State(NamedTuple):
    """What goes on from step to step, all on the device; n parameters, m remembered steps.

    ``x``, ``f``, ``g``: the point that the search began at, (n,), its value, its gradient. ``d``: the direction. ``t``:
    where to evaluate next, x + t d; ``low``, ``high``: the interval it is in. ``steps``, ``changes``: those of x and
    g that are remembered, (m, n), the latest last; ``weights``: 1 / (s · y), (m,), 0 where nothing is remembered yet.
    """

    x: Any
    f: Any
    g: Any
    d: Any
    t: Any
    low: Any
    high: Any
    steps: Any
    changes: Any
    weights: Any
    trials: Any
    iterations: Any
    evaluations: Any
    status: Any


def lbfgs(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    memory: int = 10,
    tol: float | None = None,
    ftol: float | None = None,
    maxiter: int = 15000,
    check_every: int | None = None,
    callback: Callable[[Any], Any] | None = None,
    jit: bool = True,
) -> Result:
    """A minimum of f(x, *args), without leaving the device of x0: an array or a tree of them. It needs no SciPy.

    Nocedal's L-BFGS (1980) with ``memory`` remembered steps and a search for a point with Wolfe's conditions. It ends
    where the largest element of the gradient is at most ``tol`` (usual: 1e-5), or an iteration gains at most ``ftol``
    of |f| (usual: ε of the dtype), or after ``maxiter`` iterations.
    A step is recorded once, and replayed (see ``jit``): f chooses by ``where`` and not by ``if``; with ``jit=False`` it
    may, and is run each time. The host looks every ``check_every`` evaluations whether it is over (usual: 1 on a CPU,
    16 elsewhere); then ``callback`` gets x. The result has the fields of SciPy's, and gradients as
    those of ``minimize``.
    """
    check_function(f, "lbfgs")
    args = args if isinstance(args, tuple) else (args,)
    form = Form(x0, "lbfgs")
    memory = checks.whole(memory, "memory", 1)
    maxiter = checks.whole(maxiter, "maxiter", 1)
    every = checks.whole(16 if check_every is None else check_every, "check_every", 1)
    if check_every is None and form.backend.device.startswith("cpu"):
        every = 1
    flat = 1e-5 if tol is None else checks.not_negative(tol, "tol")
    settled = EPSILON[form.dtype_name] if ftol is None else checks.not_negative(ftol, "ftol")

    def solve(*args: Any) -> Result:
        objective = objective_of(f, form)
        step = step_of(objective, memory, flat, settled, maxiter)
        begun = begin(objective, form, args, memory, flat, name_of(f))
        return run(captured_function(step) if jit else step, begun, form, args, every, callback)

    if is_differentiated(args):
        return argmin(f, solve, form, args, "lbfgs")
    return solve(*grounded(args))


def objective_of(f: Callable[..., Any], form: Form) -> Callable[..., Any]:
    """(f, ∇f) of a vector, by the name of f."""
    both = value_and_grad(f)

    @wraps(f)
    def found(x: Any, *args: Any) -> tuple[Any, Any]:
        value, gradient = both(form.unravel(x), *args)
        return value if value.dtype == form.dtype else functions_of(value).astype(value, form.dtype), form.ravel(
            gradient
        )

    return found


def begin(
    objective: Callable[..., Any], form: Form, args: tuple[Any, ...], memory: int, tol: float, name: str
) -> State:
    """The state at x0; raises DivergedError where f is not finite there."""
    xp, x = form.xp, form.ravel(form.start)
    f, g = objective(x, *args)
    check_closed((f, g), f"lbfgs, {name}")
    if not isfinite(float(f)):
        raise not_finite(f"lbfgs, {name}", float(f))
    length, zero = norm(g), 0 * f
    remembered = xp.zeros((memory, form.size), dtype=form.dtype, device=device_of(x))
    return State(
        x=x,
        f=f,
        g=g,
        d=-g,
        t=zero + min(1.0, 1 / length if length > 0 else 1.0),
        low=zero,
        high=zero + inf,
        steps=remembered,
        changes=remembered,
        weights=remembered[:, 0],
        trials=zero,
        iterations=zero,
        evaluations=zero + 1,
        status=zero + (FLAT if float(xp.max(xp.abs(g))) <= tol else RUNNING),
    )


def step_of(
    objective: Callable[..., Any], memory: int, tol: float, ftol: float, maxiter: int
) -> Callable[..., tuple[Any, ...]]:
    """The step: State ↦ State, as plain tuples of arrays, for one evaluation of the objective."""

    @wraps(objective)
    def step(*arrays: Any) -> tuple[Any, ...]:
        s, args = State(*arrays[: len(State._fields)]), arrays[len(State._fields) :]
        xp = functions_of(s.x)
        x = s.x + s.t * s.d
        f, g = objective(x, *args)
        falls, curved = wolfe(xp, s, f, g)
        taken = falls & curved
        steps, changes, weights = remembered(xp, s, x - s.x, g - s.g)
        d = direction(xp, g, steps, changes, weights, memory)
        high = xp.where(falls, s.high, s.t)
        low = xp.where(falls, s.t, s.low)
        trials, iterations = s.trials + 1, s.iterations + 1
        gain = s.f - f
        ended = xp.where(iterations >= maxiter, LIMIT * xp.ones_like(f), RUNNING * xp.ones_like(f))
        ended = xp.where(gain <= ftol * xp.abs(f), SETTLED * xp.ones_like(f), ended)
        ended = xp.where(xp.max(xp.abs(g)) <= tol, FLAT * xp.ones_like(f), ended)
        zero = xp.zeros_like(f)
        at_new_point = State(
            x, f, g, d, zero + 1, zero, zero + inf, steps, changes, weights, zero, iterations, s.evaluations + 1, ended
        )
        on_same_line = s._replace(
            t=between(xp, s, f, low, high),
            low=low,
            high=high,
            trials=trials,
            evaluations=s.evaluations + 1,
            status=xp.where(trials >= TRIALS, STUCK * xp.ones_like(f), zero),
        )
        runs = s.status == RUNNING
        moves = taken & runs
        return tuple(
            [
                xp.where(moves, there, here if here is old else xp.where(runs, here, old))
                for there, here, old in zip(at_new_point, on_same_line, s, strict=True)
            ]
        )

    return step


def wolfe(xp: Any, s: State, f: Any, g: Any) -> tuple[Any, Any]:
    """Wolfe's two conditions at x + t d; of a value that is NaN or -∞ the first does not hold.

    It allows for the rounding of f, which near a minimum is all that is left of a difference.
    """
    slope = xp.sum(s.g * s.d)
    rounding = 2 * epsilon(f) * xp.abs(s.f)
    falls = f <= s.f + DECREASE * s.t * slope + rounding
    return falls & (f > -inf), xp.sum(g * s.d) >= CURVATURE * slope


def between(xp: Any, s: State, f: Any, low: Any, high: Any) -> Any:
    """The next point of a line (Lewis and Overton 2013): the middle of the interval, or twice as far if it has no end.

    Where the interval still begins at 0: the minimum of the parabola through what is known, if it is inside.
    """
    slope = xp.sum(s.g * s.d)
    above = f - s.f - slope * s.t
    parabola = -slope * s.t * s.t / (2 * xp.where(above > 0, above, xp.ones_like(above)))
    inside = (s.low == 0) & (low == 0) & (parabola > 0.1 * high) & (parabola < 0.9 * high)
    middle = xp.where(inside, parabola, 0.5 * (low + high))
    return xp.where(high < inf, middle, 2 * s.t)


def remembered(xp: Any, s: State, step: Any, change: Any) -> tuple[Any, Any, Any]:
    """The memory with one more step in place of the oldest; Wolfe's conditions make s · y positive."""
    product = xp.sum(step * change)
    weight = 1 / xp.where(product > 0, product, xp.ones_like(product))
    return (
        xp.concat([s.steps[1:, :], step[None, :]]),
        xp.concat([s.changes[1:, :], change[None, :]]),
        xp.concat([s.weights[1:], weight[None]]),
    )


def direction(xp: Any, g: Any, steps: Any, changes: Any, weights: Any, memory: int) -> Any:
    """-H g by the recursion of two loops (Nocedal 1980); what is not yet remembered has weight 0."""
    q, parts = g, []
    for k in reversed(range(memory)):
        part = weights[k] * xp.sum(steps[k, :] * q)
        q = q - part * changes[k, :]
        parts.append(part)
    last = changes[memory - 1, :]
    scale = weights[memory - 1] * xp.sum(last * last)
    q = q / xp.where(scale > 0, scale, xp.ones_like(scale))
    for k in range(memory):
        part = parts[memory - 1 - k] - weights[k] * xp.sum(changes[k, :] * q)
        q = q + part * steps[k, :]
    return -q


def run(
    step: Callable[..., tuple[Any, ...]],
    state: State,
    form: Form,
    args: tuple[Any, ...],
    every: int,
    callback: Callable[[Any], Any] | None,
) -> Result:
    """Step until it is over."""
    told = 0
    while (status := int(state.status)) == RUNNING:
        for _ in range(every):
            state = State(*step(*state, *args))
        if callback is not None and (reached := int(state.iterations)) > told:
            told = reached
            callback(form.unravel(state.x))
    return Result(
        x=form.unravel(state.x),
        fun=state.f,
        jac=form.unravel(state.g),
        nit=int(state.iterations),
        nfev=int(state.evaluations),
        njev=int(state.evaluations),
        status=status,
        success=status in (FLAT, SETTLED),
        message=MESSAGES[status],
    )
