"""solve_ivp and odeint: through the steps of SciPy's solver, or by the adjoint equation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import boxed, leaves
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.scipy.border import OfNumbers, on_host
from miniflow_xp.scipy.integrate.adjoint import solved_by_adjoint
from miniflow_xp.scipy.integrate.steps import Method, Step, step_of, times_of, walked
from miniflow_xp.scipy.settings import way_of_ode
from miniflow_xp.scipy.substitutes import as_array, refused, substitute

EXPLICIT = ("RK45", "RK23", "DOP853")
NAME = "scipy.integrate.solve_ivp"


@substitute(NAME, calls=True)
def solve_ivp(
    xp: Any,
    like: Any,
    fun: Any,
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """The steps are those that SciPy's solver chooses for the contents; they are constants of the derivative.

    Where the ends of ``t_span`` are differentiated, the steps move with them, each as a part of the whole.
    """
    if events is not None:
        raise refused(NAME, "events=…", "the time of an event has no rule", "Leave out events")
    problem = Problem(xp, like, fun, y0, () if args is None else tuple(args))
    if way_of_ode() == "adjoint":
        if dense_output:
            raise refused(NAME, "dense_output=True", "of the adjoint way there are values alone", "Give t_eval=")
        return solved_by_adjoint(problem, t_span, t_eval, method, options)
    return solved_by_steps(problem, t_span, t_eval, method, dense_output, options)


@substitute("scipy.integrate.odeint", calls=True)
def odeint(
    xp: Any,
    like: Any,
    func: Any,
    y0: Any,
    t: Any,
    args: Any = (),
    rtol: float | None = None,
    atol: float | None = None,
    tfirst: bool = False,
) -> Any:
    """Through steps those of DOP853, as LSODA's are not to be repeated; by the adjoint equation those of LSODA."""
    tolerance = 1.49012e-8
    options = {"rtol": tolerance if rtol is None else rtol, "atol": tolerance if atol is None else atol}
    order = func if tfirst else lambda t, y, *more: func(y, t, *more)
    problem = Problem(xp, like, order, y0, args if isinstance(args, tuple) else (args,))
    span = (t[0], t[-1])
    if way_of_ode() == "adjoint":
        return xp.matrix_transpose(solved_by_adjoint(problem, span, t, "LSODA", options).y)
    return xp.matrix_transpose(solved_by_steps(problem, span, t, "DOP853", False, options).y)


class Problem:
    """dy/dt = f(t, y, …), y(t₀) = y₀, on arrays of the library of ``like``."""

    def __init__(self, xp: Any, like: Any, function: Any, y0: Any, args: tuple[Any, ...]) -> None:
        self.xp = xp
        self.like = like
        self.function = function
        self.y0 = as_array(xp, y0, like)
        if len(self.y0.shape) == 0:
            self.y0 = xp.reshape(self.y0, (1,))
        self.args = args

    def field(self, t: Any, y: Any) -> Any:
        """f(t, y, …) as an array in the shape of y."""
        return self.vector(self.function(t, y, *self.args), y)

    def vector(self, value: Any, y: Any) -> Any:
        """What a right-hand side gave, a list of numbers perhaps, as an array in the shape of y."""
        value = as_array(self.xp, value, self.like)
        return value if value.shape == y.shape else self.xp.broadcast_to(value, y.shape)

    def on_host(self, t: float, y: Any) -> Any:
        """f of the contents alone, of NumPy's arrays."""
        state = boxed(self.xp.library.asarray(y, dtype=self.y0.dtype, device=self.like.device), self.xp)
        args = [boxed(ground(a), self.xp) if type(a) is Traced else a for a in self.args]
        return on_host(self.vector(self.function(float(t), state, *args), state))


def solved_by_steps(
    problem: Problem, t_span: Any, t_eval: Any, method: Any, dense_output: bool, options: dict[str, Any]
) -> Any:
    """SciPy's result, with y through traced steps."""
    import scipy.integrate

    name = method if isinstance(method, str) else method.__name__
    if name not in EXPLICIT:
        raise refused(
            NAME,
            f"method {name}",
            f"steps are repeated of {', '.join(EXPLICIT)}",
            'Choose one of these, or the adjoint equation: rules(ode="adjoint")',
        )
    xp = problem.xp
    ends = [on_host(t).item() for t in t_span]
    found = scipy.integrate.solve_ivp(OfNumbers(problem.on_host), ends, on_host(problem.y0), method, **options)
    times = times_of(xp, problem.like, t_span, ends, found.t)
    made = Method(xp, getattr(scipy.integrate, name), problem.y0)
    steps, states = walked(made, problem.field, times, problem.y0)
    if t_eval is None:
        found.y = xp.stack(states, axis=1)
        found.t = xp.stack(times) if leaves(times) else found.t
    else:
        moments = as_array(xp, t_eval, problem.like) if leaves([t_eval]) else np.asarray(t_eval, dtype=float)
        found.t = moments[: reached(found, on_host(moments), ends)]
        found.y = evaluated(problem, steps, np.asarray(scipy_times(times)), found.t)
    if dense_output:
        found.sol = Dense(problem, steps, np.asarray(scipy_times(times)))
    return found


def reached(found: Any, moments: np.ndarray, ends: Sequence[float]) -> int:
    """To how many of these moments the solver came: to all of them, but where it ended early."""
    if found.success:
        return len(moments)
    over = moments > found.t[-1] if ends[1] >= ends[0] else moments < found.t[-1]
    return len(moments) - int(np.count_nonzero(over))


def scipy_times(times: Sequence[Any]) -> list[float]:
    """Times as numbers."""
    return [float(on_host(t)) for t in times]


def evaluated(problem: Problem, steps: Sequence[Step], times: np.ndarray, moments: Any) -> Any:
    """y at these moments, (n, m), by the interpolants of the steps they are in."""
    xp = problem.xp
    if not steps or not len(moments):
        return xp.broadcast_to(problem.y0[:, None], (problem.y0.shape[0], len(moments)))
    inside = [step_of(times, m) for m in on_host(moments).tolist()]
    moments = as_array(xp, moments, problem.like)
    columns = []
    for number in dict.fromkeys(inside):
        places = [n for n, other in enumerate(inside) if other == number]
        step = steps[number]
        columns.append(step.interpolant((moments[places[0] : places[-1] + 1] - step.t) / step.h))
    return xp.concat(columns, axis=1)


class Dense:
    """The solution as a function of time, by the interpolants of the steps."""

    def __init__(self, problem: Problem, steps: Sequence[Step], times: np.ndarray) -> None:
        self._problem = problem
        self._steps = steps
        self._times = times

    def __call__(self, t: Any) -> Any:
        xp = self._problem.xp
        moments = as_array(xp, t, self._problem.like)
        flat = xp.reshape(moments, (-1,))
        rows = [evaluated(self._problem, self._steps, self._times, flat[n : n + 1]) for n in range(flat.shape[0])]
        whole = xp.concat(rows, axis=1)
        return whole if moments.shape else whole[:, 0]
