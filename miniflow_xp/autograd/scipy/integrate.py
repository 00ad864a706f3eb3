"""``odeint``: ordinary differential equations, differentiated by the adjoint equation, which runs backwards in time."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.calls import level_of
from miniflow_xp.arrays.equations import CONSTANT
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.autograd.core import numbers_as_arrays
from miniflow_xp.autograd.extend import plain
from miniflow_xp.autograd.numpy.dispatch import arrays_in, is_array, like_given, namespace_among
from miniflow_xp.autograd.scipy.formulas import constant_of, floating
from miniflow_xp.errors import SettingError
from miniflow_xp.rules.algebra import real
from miniflow_xp.scipy.integrate.adjoint import Solver, states_at
from miniflow_xp.scipy.integrate.equations import Problem
from miniflow_xp.scipy.substitutes import as_array
from miniflow_xp.system.packages import needed
from miniflow_xp.transforms.trees import flatten, tree_map

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
    given = arrays_in([y0, t, *flatten(args)[0]])
    (start,) = numbers_as_arrays([floating(y0)], given)
    like = constant_of(start)
    xp = namespace_among([like, *given])
    followed = tree_map(lambda leaf: constant(leaf) if is_array(leaf) else leaf, args)  # tolerances are of all of them
    problem = Problem(xp, like, lambda t, y, *args: func(*if_plain((y, t, *args))), like, followed)
    return like_given(states_at(problem, real(xp, as_array(xp, t, like)), by_odeint(options)), given)


def by_odeint(options: dict[str, Any]) -> Solver:
    """SciPy's ``odeint``."""
    integrate = needed("scipy.integrate", "odeint", "'miniflow_xp[scipy]'", "it solves the equation")

    def solve(function: Function, start: Any, times: Any) -> Any:
        return integrate.odeint(function, start, times, tfirst=True, **options)

    return solve


def if_plain(args: tuple[Any, ...]) -> Any:
    """Arguments of which nothing is followed, as the library's own arrays; others as they are."""
    return plain(args) if level_of(flatten(args)[0]) == CONSTANT else args
