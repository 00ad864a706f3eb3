"""Learning-rate schedules: functions of the number of the step, which is 0 at the first."""

from collections.abc import Callable
from math import cos, pi

from miniflow_xp.checks import finite, positive, whole
from miniflow_xp.errors import SettingError

Schedule = Callable[[int], float]
"""``schedule(step)`` is the factor of the optimizer's learning rate at that step."""


def constant() -> Schedule:
    """1 at every step."""
    return lambda step: 1.0  # noqa: ARG005  a schedule is a function of the step


def cosine(steps: int, warm_up: int = 0, floor: float = 0.0) -> Schedule:
    """(1 + cos(π t)) / 2 from 1 to ``floor`` over ``steps``, after a linear rise over ``warm_up`` steps.

    Loshchilov and Hutter, ICLR 2017, without restarts. Raises SettingError unless 0 ≤ warm_up < steps.
    """
    steps, warm_up = whole(steps, "cosine, steps", 0), whole(warm_up, "cosine, warm_up", 0)
    floor = finite(floor, "cosine, floor")
    if warm_up >= steps:
        raise SettingError("cosine", f"{warm_up} of {steps} steps", "0 ≤ warm_up < steps", "Give it more steps")

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        t = min(1.0, (step - warm_up) / (steps - warm_up))
        return floor + (1 - floor) * (1 + cos(pi * t)) / 2

    return factor


def decay(every: int, factor: float = 0.1) -> Schedule:
    """``factor`` to the power of how often ``every`` steps have passed; SettingError unless both are positive."""
    every, factor = whole(every, "decay, every", 1), positive(factor, "decay, factor")
    return lambda step: factor ** (step // every)
