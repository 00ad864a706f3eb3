"""``odeint``: ordinary differential equations, differentiated by the adjoint equation, which runs backwards in time."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import miniflow_xp.autograd.numpy as np
from miniflow_xp import dtypes
from miniflow_xp.autograd.differential_operators import make_vjp
from miniflow_xp.autograd.extend import defvjp_argnums, primitive
from miniflow_xp.autograd.misc.flatten import flatten
from miniflow_xp.errors import PackageMissingError, SettingError
from miniflow_xp.switch import backend_of

Function = Callable[..., Any]

REFUSED = ("Dfun", "col_deriv", "full_output", "tfirst")


def odeint(func: Function, y0: Any, t: Any, args: tuple[Any, ...] = (), **options: Any) -> Any:
    """y at the times t, in shape (t, y), where y' = func(y, t, *args) and y is y0 at t[0].

    Computed by ``scipy.integrate.odeint`` in NumPy; func gets arrays of the library of y0. Gradients go to y0, t and
    args, not to what func closes over. ``options``: SciPy's tolerances and bounds on steps.
    """
    for name in REFUSED:
        if options.pop(name, None):
            raise SettingError(
                "odeint", f"{name} is given", "func is f(y, t, *args), and y all it gives", "Leave it out"
            )
    return solved(func, np.atleast_1d(y0), t, args, **options)


@primitive
def solved(func: Function, y0: Any, t: Any, args: tuple[Any, ...], **options: Any) -> Any:
    """The solution, of plain arrays."""
    try:
        integrate = import_module("scipy.integrate")
    except ImportError:
        raise PackageMissingError(
            "odeint", "scipy cannot be imported", "it solves the equation", "Run: pip install scipy"
        ) from None
    backend, kind = backend_of([y0]), dtypes.name_of(y0)

    def in_numpy(y: Any, t: float) -> Any:
        return backend.to_numpy(func(backend.asarray(y.copy(), kind), t, *args))

    times = t if isinstance(t, Sequence) else backend_of([t]).to_numpy(t)
    return backend.asarray(integrate.odeint(in_numpy, backend.to_numpy(y0), times, **options), kind)


def adjoint(argnums: Sequence[int], ans: Any, given: Any, options: dict[str, Any]) -> Function:
    """λ' = -λ ∂f/∂y backwards from each time to the one before, where λ grows by ḡ; θ̄ gathers λ ∂f/∂θ on the way.

    The gradient of a time is ḡ · f there, that of the first one -λ · f (Fröhlich et al. 2017, arXiv:1711.08079, 2.4.2).
    """
    func, y0, t, args = given
    size = y0.shape[0]
    theta, unflatten = flatten(args)
    theta = theta if theta.shape[0] else y0[:0]

    def backwards(state: Any, t: Any, theta: Any) -> Any:
        y, slope = state[:size], state[size : 2 * size]
        pull, value = make_vjp(lambda y, theta: func(y, t, *unflatten(theta)), (0, 1))(y, theta)
        return np.concatenate([value, *pull(-slope)])

    def pull(g: Any) -> list[Any]:
        slope, gathered = np.zeros_like(y0), np.zeros_like(theta)
        of_times = []
        for i in range(ans.shape[0] - 1, 0, -1):
            of_times.append(np.sum(g[i] * func(ans[i], t[i], *args)))
            state = np.concatenate([ans[i], slope + g[i], gathered])
            before = odeint(backwards, state, np.array([t[i], t[i - 1]]), (theta,), **options)[1]
            slope, gathered = before[size : 2 * size], before[2 * size :]
        of_times.append(-np.sum(slope * func(ans[0], t[0], *args)))
        return [(None, slope + g[0], np.array(of_times[::-1]), unflatten(gathered))[n] for n in argnums]

    return pull


defvjp_argnums(solved, adjoint)
