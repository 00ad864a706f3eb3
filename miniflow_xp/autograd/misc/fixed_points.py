"""Fixed points, differentiated by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.autograd.core import make_vjp
from miniflow_xp.autograd.extend import defvjp, primitive
from miniflow_xp.autograd.spaces import vspace

Pull = Callable[[Any], Any]


@primitive
def fixed_point(f: Any, a: Any, x0: Any, distance: Any, tol: float) -> Any:
    """x = f(a)(x), by iteration from x0 until ``distance(x, previous x)`` is ``tol`` or less."""
    step = f(a)
    x, before = step(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


def fixed_point_vjp(ans: Any, f: Any, a: Any, x0: Any, distance: Any, tol: float) -> Pull:
    """ḡ ↦ w ∂f/∂a, where w = w ∂f/∂x + ḡ is a fixed point, too (Christianson 1994)."""

    def adjoint(parameters: Any) -> Pull:
        a, x, g = parameters
        through_x, _ = make_vjp(f(a), x)
        return lambda w: vspace(x).add(through_x(w), g)

    through_a, _ = make_vjp(lambda a: f(a)(ans), a)
    return lambda g: through_a(fixed_point(adjoint, (a, ans, g), vspace(x0).zeros(), distance, tol))


defvjp(fixed_point, None, fixed_point_vjp, None)
