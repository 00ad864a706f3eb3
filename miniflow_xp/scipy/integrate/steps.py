"""Explicit Runge-Kutta steps on traced arrays, at the times that SciPy's solver chose; its tables, its interpolants."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.substitutes import as_array

Field = Callable[[Any, Any], Any]
"""dy/dt = f(t, y)."""


class Step(NamedTuple):
    """One step: from (t, y), by h; ``interpolant(x)`` is y at the part x of it, for x in shape (m,): (n, m)."""

    t: Any
    h: Any
    y: Any
    interpolant: Callable[[Any], Any]


class Method:
    """An explicit method of SciPy: RK23, RK45 or DOP853."""

    def __init__(self, xp: Any, solver: Any, like: Any) -> None:
        self.xp = xp
        self.solver = solver
        self.like = like

    def array(self, coefficients: Any) -> Any:
        return self.xp.asarray(np.asarray(coefficients), dtype=self.like.dtype, device=self.like.device)

    def weighted(self, coefficients: Any, slopes: Sequence[Any]) -> Any:
        """Σ cₛ kₛ of the slopes whose coefficient is not 0."""
        kept = [n for n, c in enumerate(coefficients) if c != 0]
        return self.xp.matmul(self.array(coefficients[kept]), self.xp.stack([slopes[n] for n in kept]))

    def advanced(self, field: Field, t: Any, h: Any, y: Any, slope: Any) -> tuple[Any, list[Any]]:
        """y after a step, and the slopes at its stages, that at the end the last one."""
        slopes = [slope]
        for row, c in zip(self.solver.A[1:], self.solver.C[1:], strict=True):
            coefficients = row[: len(slopes)]
            slopes.append(field(t + float(c) * h, y + h * self.weighted(coefficients, slopes)))
        end = y + h * self.weighted(self.solver.B, slopes)
        return end, [*slopes, field(t + h, end)]

    def interpolant(self, field: Field, t: Any, h: Any, y: Any, end: Any, slopes: list[Any]) -> Any:
        """y at a part x of the step, as SciPy's dense output has it."""
        if hasattr(self.solver, "A_EXTRA"):
            return self._of_eighth_order(field, t, h, y, end, slopes)
        power = self.solver.P.shape[1]
        weights = [self.weighted(self.solver.P[:, n], slopes) for n in range(power)]

        def at(x: Any) -> Any:
            total = self.xp.zeros_like(x)[None, :] * y[:, None]
            for weight in reversed(weights):
                total = (total + weight[:, None]) * x
            return y[:, None] + h * total

        return at

    def _of_eighth_order(self, field: Field, t: Any, h: Any, y: Any, end: Any, slopes: list[Any]) -> Any:
        """Of degree 7, with three more stages: Hairer, Nørsett and Wanner (1993), II.6."""
        extended = list(slopes)
        for row, c in zip(self.solver.A_EXTRA, self.solver.C_EXTRA, strict=True):
            extended.append(field(t + float(c) * h, y + h * self.weighted(row[: len(extended)], extended)))
        change = end - y
        parts = [change, h * slopes[0] - change, 2 * change - h * (slopes[-1] + slopes[0])]
        parts += [h * self.weighted(row, extended) for row in self.solver.D]

        def at(x: Any) -> Any:
            total = self.xp.zeros_like(x)[None, :] * y[:, None]
            for n, part in enumerate(reversed(parts)):
                total = (total + part[:, None]) * (x if n % 2 == 0 else 1 - x)
            return y[:, None] + total

        return at


def walked(method: Method, field: Field, times: Sequence[Any], y: Any) -> tuple[list[Step], list[Any]]:
    """The steps from each time to the next, and y at all times."""
    steps, states = [], [y]
    slope = field(times[0], y)
    for t, after in pairwise(times):
        h = after - t
        end, slopes = method.advanced(field, t, h, y, slope)
        steps.append(Step(t, h, y, later(method, field, t, h, y, end, slopes)))
        states.append(end)
        y, slope = end, slopes[-1]
    return steps, states


def later(method: Method, *step: Any) -> Callable[[Any], Any]:
    """The interpolant of a step, which is made where it is asked for."""
    made: list[Any] = []

    def at(x: Any) -> Any:
        if not made:
            made.append(method.interpolant(*step))
        return made[0](x)

    return at


def times_of(xp: Any, like: Any, t_span: Any, ends: Sequence[float], chosen: Any) -> list[Any]:
    """The times that SciPy chose: numbers, or traced where an end of the span is, as they move with it."""
    if not leaves(list(t_span)):
        return [float(t) for t in chosen]
    first, last = (as_array(xp, t, like) for t in t_span)
    whole = (ends[1] - ends[0]) or 1.0
    return [first + float((t - ends[0]) / whole) * (last - first) for t in chosen]


def step_of(times: np.ndarray, moment: float) -> int:
    """The number of the step that SciPy interpolates in: the first that does not end before."""
    forward = times[-1] >= times[0]
    found = np.searchsorted(times if forward else -times, moment if forward else -moment, side="left")
    return int(np.clip(found - 1, 0, len(times) - 2))
