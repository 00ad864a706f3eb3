"""quad and quad_vec: integrals of functions, with respect to the bounds and to everything that the function reads."""

from typing import Any

from miniflow_xp.scipy.border import OfNumbers
from miniflow_xp.scipy.integrate.closures import integral, vector_rule
from miniflow_xp.scipy.substitutes import substitute


class Adaptive:
    """SciPy's ``quad``, of a function whose values are numbers."""

    def __init__(self, epsabs: float, epsrel: float, points: Any, limit: int) -> None:
        self.settings = {"epsabs": epsabs, "epsrel": epsrel, "points": points}
        self.limit = limit

    def __call__(self, function: Any, a: float, b: float) -> tuple[Any, Any]:
        import scipy.integrate

        value, *told = scipy.integrate.quad(
            OfNumbers(lambda x: float(function(x))), a, b, limit=self.limit, full_output=1, **self.settings
        )
        return value, told


@substitute("scipy.integrate.quad", calls=True)
def quad(
    xp: Any,
    like: Any,
    func: Any,
    a: Any,
    b: Any,
    args: Any = (),
    full_output: int = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
) -> Any:
    given = args if isinstance(args, tuple) else (args,)
    rule = Adaptive(epsabs, epsrel, points, limit)
    value, told = integral(xp, like, lambda x: func(x, *given), (a, b), rule)
    return (value, *told) if full_output else (value, told[0])


class OfRows:
    """The tolerances of ``quad_vec``."""

    def __init__(self, epsabs: float, epsrel: float, points: Any) -> None:
        self.settings = {"epsabs": epsabs, "epsrel": epsrel, "points": points}


@substitute("scipy.integrate.quad_vec", calls=True)
def quad_vec(
    xp: Any,
    like: Any,
    f: Any,
    a: Any,
    b: Any,
    epsabs: float = 1e-200,
    epsrel: float = 1e-8,
    points: Any = None,
    *,
    args: Any = (),
) -> Any:
    given = args if isinstance(args, tuple) else (args,)
    return integral(xp, like, lambda x: f(x, *given), (a, b), vector_rule(OfRows(epsabs, epsrel, points)))
