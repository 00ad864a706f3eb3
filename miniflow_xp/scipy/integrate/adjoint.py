"""The adjoint equation of a differential equation: gradients by another one, solved backward in time.

With a(t) the gradient of y(t): da/dt = -aᵀ ∂f/∂y, and the gradient of a parameter is ∫ aᵀ ∂f/∂θ dt. The steps are
forgotten: memory does not grow with their number. It is exact as far as the tolerances go. Pontryagin (1962).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import boxed, grounded, leaves, level_of
from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.arrays.namespace import constant, namespace_of
from miniflow_xp.arrays.refusals import closes_over
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.rules.algebra import real
from miniflow_xp.scipy.border import OfNumbers, on_host
from miniflow_xp.scipy.integrate.steps import times_of
from miniflow_xp.scipy.substitutes import as_array, refused
from miniflow_xp.transforms.custom import custom_vjp
from miniflow_xp.transforms.pullback import vjp
from miniflow_xp.transforms.trees import flatten

Field = Callable[..., Any]
"""dy/dt = f(t, y, θ₁, θ₂, …), of arrays."""

Solver = Callable[[Callable[[float, Any], Any], Any, Any], Any]
"""(f, y₀, times) ↦ y at all times, (m, n), y₀ itself at the first; f(t, y) and all arrays are NumPy's."""


def solved_by_adjoint(problem: Any, t_span: Any, t_eval: Any, method: Any, options: dict[str, Any]) -> Any:
    """SciPy's result, with y of the adjoint rule."""
    import scipy.integrate

    xp, like = problem.xp, problem.like
    ends = [on_host(t).item() for t in t_span]
    asked = None if t_eval is None else on_host(t_eval)
    result = scipy.integrate.solve_ivp(OfNumbers(problem.on_host), ends, on_host(problem.y0), method, asked, **options)
    wanted: Any = t_eval if type(t_eval) is Traced else asked
    if t_eval is None:
        wanted = times_of(xp, like, t_span, ends, result.t)
    times = real(xp, as_array(xp, [t_span[0], *wanted[: len(result.t)]], like))  # fewer where it ended early
    states = states_at(problem, times, by_solve_ivp(method, options))
    result.y = xp.matrix_transpose(states[1:, ...])
    if leaves([t_eval, *t_span]):
        result.t = times[1:]
    return result


def states_at(problem: Any, times: Any, solve: Solver) -> Any:
    """y at these times, (m, n), y₀ itself at the first."""
    found, build = flatten(problem.args)
    places = [n for n, leaf in enumerate(found) if type(leaf) is Traced]

    def field(t: Any, y: Any, *parameters: Any) -> Any:
        whole = list(found)
        for n, parameter in zip(places, parameters, strict=True):
            whole[n] = parameter
        return problem.vector(problem.function(t, y, *build(iter(whole))), y)

    return solved(field, solve)(problem.y0, times, *[found[n] for n in places])


def by_solve_ivp(method: Any, options: dict[str, Any]) -> Solver:
    """SciPy's ``solve_ivp``."""
    import scipy.integrate

    def solve(function: Any, start: Any, moments: Any) -> Any:
        later = np.broadcast_to(start, (len(moments) - 1, len(start)))
        if moments[-1] != moments[0]:
            span = (moments[0], moments[-1])
            found = scipy.integrate.solve_ivp(function, span, start, method, moments[1:], **options)
            if not found.success:
                raise refused(
                    "an adjoint equation",
                    f"its solver ended early: {found.message}",
                    "it comes to the last of the times",
                    "Choose other tolerances, another method, or a shorter t_span",
                )
            later = found.y.T
        return np.concatenate([start[None], later])

    return solve


def solved(field: Field, solve: Solver) -> Any:
    """The function (y₀, times, θ₁, …) ↦ y at all times, (m, n), y₀ itself at the first; with its rule."""

    @custom_vjp
    def solution(y0: Any, times: Any, *parameters: Any) -> Any:
        return values(field, solve, y0, times, parameters)

    def forward(y0: Any, times: Any, *parameters: Any) -> Any:
        states = solution(y0, times, *parameters)
        return states, (states, times, parameters)

    def backward(residuals: Any, gradient: Any) -> Any:
        states, times, parameters = residuals
        return gradients(field, solve, states, times, parameters, gradient)

    solution.defvjp(forward, backward)
    return solution


def values(field: Field, solve: Solver, y0: Any, times: Any, parameters: Any) -> Any:
    """y at all times by SciPy, of constants."""
    constants = [constant(p) for p in parameters]
    state = constant(y0)
    xp = state.xp
    moments = on_host(constant(times))

    def on_numbers(t: float, y: Any) -> Any:
        given = boxed(xp.library.asarray(y, dtype=state.dtype, device=state.device), xp)
        value = field(float(t), given, *constants)
        if level_of([value]) > RECORDED:
            raise closes_over("the right-hand side of an adjoint equation")
        return on_host(value)

    rows = solve(OfNumbers(on_numbers), on_host(state), moments)
    whole = xp.library.asarray(rows, dtype=state.dtype, device=state.device)
    return boxed(whole, xp) if type(y0) is Traced else whole


def gradients(field: Field, solve: Solver, states: Any, times: Any, parameters: Any, gradient: Any) -> tuple[Any, ...]:
    """Gradients of y₀, of the times and of the parameters; back from each time to the one before."""
    inside = bool(leaves([states, times, gradient, *parameters]))
    states, times, gradient = constant(states), constant(times), constant(gradient)
    parameters = [constant(p) for p in parameters]
    xp = states.xp
    size = states.shape[1]
    back = solved(augmented(field, size), solve)
    a = gradient[-1, :]
    sums = [xp.zeros_like(p) for p in parameters]
    of_times = []
    for n in range(times.shape[0] - 1, 0, -1):
        of_times.append(xp.sum(gradient[n, :] * field(times[n], states[n, :], *parameters)))
        whole = xp.concat([states[n, :], a, *[xp.reshape(s, (-1,)) for s in sums]], axis=0)
        end = back(whole, xp.stack([times[n], times[n - 1]]), *parameters)[-1, :]
        a = end[size : 2 * size] + gradient[n - 1, :]
        sums = in_shapes(xp, end[2 * size :], parameters)
    inner = a - gradient[0, :]
    of_times.append(-xp.sum(inner * field(times[0], states[0, :], *parameters)))
    found = (a, xp.stack(of_times[::-1]), *sums)
    return found if inside else grounded(found)


def augmented(field: Field, size: int) -> Field:
    """The equation of (y, a, θ̄): (f, -aᵀ ∂f/∂y, -aᵀ ∂f/∂θ)."""

    def together(t: Any, z: Any, *parameters: Any) -> Any:
        value, pullback = vjp(lambda y, *p: field(t, y, *p), z[:size], *parameters)
        slopes = pullback(-z[size : 2 * size])
        xp = namespace_of(z)
        return xp.concat([value, *[xp.reshape(s, (-1,)) for s in slopes]], axis=0)

    return together


def in_shapes(xp: Any, flat: Any, models: list[Any]) -> list[Any]:
    """The parts of a vector in the shapes of these arrays."""
    found, before = [], 0
    for model in models:
        found.append(xp.reshape(flat[before : before + model.size], model.shape))
        before += model.size
    return found
