"""The verdict on a call: are its gradients through the library's own code those of central differences?"""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp import get_backend, vjp
from miniflow_xp.scipy import rules

from .call import Call
from .reasons import reason_of

STEP = 1e-6
NEAR = 2e-5
"""How far a gradient may be from differences: relative to the largest of them, or to 1."""

RIGHT, WITH_RULES, REFUSED, NAN, CONSTANT, WRONG = "right", "right with rules", "refused", "NaN", "no gradient", "wrong"


class Verdict(NamedTuple):
    """``verdict``: one of the six above; ``reason``: of all but the first two."""

    verdict: str
    reason: str = ""


def judged(call: Call) -> Verdict:
    """The verdict on a call, with arrays of the backend in use."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = verdict_of(call)
        if found.verdict != REFUSED or call.library != "SciPy":
            return found
        with rules():
            again = verdict_of(call)
    if again.verdict == REFUSED:
        return found
    return again._replace(verdict=WITH_RULES) if again.verdict == RIGHT else again


def verdict_of(call: Call) -> Verdict:
    """The verdict, with what is registered at the moment."""
    backend = get_backend()
    try:
        values, pullback = vjp(lambda *xs: floats(call.function(*xs)), *[backend.asarray(a) for a in call.arrays])
    except Exception as error:  # whatever the library, or we, raise
        return Verdict(REFUSED, reason_of(call.name, error))
    got = [on_host(v) for v in values]
    run, expected = oracle(call, got)
    if not agree(got, expected):
        lost = any(not np.all(np.isfinite(v)) for v in got)
        return Verdict(NAN, "in the value, too") if lost else Verdict(WRONG, "the value")
    if not got:
        return Verdict(CONSTANT, "integers, or truth values")
    weights = [np.random.default_rng(n).normal(size=v.shape).astype(v.dtype) for n, v in enumerate(got)]
    gradients = [on_host(g) for g in pullback([backend.asarray(w) for w in weights])]
    return compared(call, run, weights, gradients)


Run = Callable[..., list[np.ndarray]]


def oracle(call: Call, got: list[np.ndarray]) -> tuple[Run, list[np.ndarray]]:
    """What to compare with: the call on plain arrays, and its value.

    Those of NumPy, which are the quickest; those of the backend where its value is another, as where an algorithm
    stops elsewhere.
    """
    backend, plain = get_backend(), call.arrays
    on_numpy = ran(call, np.asarray)
    expected = on_numpy(*plain)
    if backend.name == "numpy" or agree(got, expected):
        return on_numpy, expected
    on_backend = ran(call, backend.asarray)
    with contextlib.suppress(Exception):  # where the library does not take this backend's arrays, NumPy's are judge
        own = on_backend(*plain)
        if not agree(own, expected):
            return on_backend, own
    return on_numpy, expected


def ran(call: Call, asarray: Callable[[np.ndarray], Any]) -> Run:
    """The call on plain arrays of a library, with results on the host."""
    return lambda *arrays: [on_host(v) for v in floats(call.function(*[asarray(a.copy()) for a in arrays]))]


def compared(call: Call, run: Run, weights: list[np.ndarray], gradients: list[np.ndarray]) -> Verdict:
    """The gradients beside differences along several directions."""
    random = np.random.default_rng(7)
    found, slopes = [], []
    for _ in range(3):
        moves = [random.normal(size=a.shape) * 0.5 for a in call.arrays]
        found.append(sum(float(np.sum(g * m)) for g, m in zip(gradients, moves, strict=True)))
        slopes.append(slope(call, run, weights, moves))
    got, wanted = np.asarray(found), np.asarray(slopes)
    if not np.all(np.isfinite(got)):
        return Verdict(NAN, "0/0 in the library's own code, which a mask hides from the value")
    if not np.max(np.abs(got - wanted)) <= NEAR * max(1.0, float(np.max(np.abs(wanted)))):
        return Verdict(WRONG, f"{got} for {wanted}")
    if not np.any(got):
        return Verdict(CONSTANT, "constant between jumps")
    return Verdict(RIGHT)


def slope(call: Call, run: Run, weights: list[np.ndarray], moves: list[np.ndarray]) -> float:
    """The derivative of Re Σ w̄ f(x) along a direction, by central differences."""
    ends = []
    for sign in (1, -1):
        values = run(*[a + sign * STEP * m for a, m in zip(call.arrays, moves, strict=True)])
        ends.append(sum(float(np.real(np.sum(np.conj(w) * v))) for w, v in zip(weights, values, strict=True)))
    return (ends[0] - ends[1]) / (2 * STEP)


def floats(value: Any) -> list[Any]:
    """The arrays of a result that can have a gradient."""
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in floats(item)]
    kind = "float" if isinstance(value, float) else str(getattr(value, "dtype", ""))
    return [value] if "float" in kind or "complex" in kind else []


def on_host(value: Any) -> np.ndarray:
    """A result, which may be NumPy's whatever the backend, or a number."""
    is_numpys = isinstance(value, (float, np.generic, np.ndarray))
    return np.asarray(value if is_numpys else get_backend().to_numpy(value))


def agree(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    """Are the values the same, up to rounding?"""
    return len(some) == len(others) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-8, atol=1e-10, equal_nan=True)
        for a, b in zip(some, others, strict=True)
    )
