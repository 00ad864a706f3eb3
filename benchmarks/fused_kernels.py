"""What a fused kernel of an optional compiler would add to captured NumPy: ``python -m benchmarks.fused_kernels``.

Value and gradient of thirteen elementwise operations and a sum, float64: ours captured on NumPy; a loop written by hand
for Numba (``pip install numba``), one pass over memory for both, fastmath off, on one core and on all; and ours on
PyTorch, captured, replayed and under ``torch.compile``. All in one process, their results compared before anything is
timed, and interleaved. A time is the median of its rounds, and the least; a ratio is the median of those within a
round, with its quartiles.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median, quantiles
from typing import Any

import numpy as np

from benchmarks.peers import markdown
from miniflow_xp.programs.bench.environment import libraries, machine
from miniflow_xp.programs.bench.functions import model_of, step_of
from miniflow_xp.switch import use_backend

Step = Callable[[], list[Any]]
OURS = "ours, numpy"
ELEMENTWISE = model_of("elementwise")
CLOSE = 1e-12  # relative to the largest number
SLICE = 0.02  # seconds that a sample lasts, at least; at least one call


def fused(parallel: bool) -> Callable[..., Any]:
    """The model's value and gradient with respect to x as one loop that Numba compiles."""
    import numba

    @numba.njit(parallel=parallel, fastmath=False, error_model="numpy")
    def value_and_gradient(x: Any, y: Any) -> Any:
        gradient, total = np.empty_like(x), 0.0
        for i in numba.prange(len(x)):
            e, q, t = np.exp(-x[i]), 1 + np.sqrt(y[i]), 0.0
            t = np.tanh((x[i] * y[i] + e) / q)
            z = t * x[i] - np.log(y[i])
            total += np.sin(z) + z * z
            gradient[i] = (np.cos(z) + 2 * z) * (t + x[i] * (1 - t * t) * (y[i] - e) / q)
        return total, gradient

    return value_and_gradient


def by_numba(parallel: bool) -> Callable[[int], Step]:
    """{size: step} of the loop above, on one core or on all."""
    run = fused(parallel)

    def make(size: int) -> Step:
        x, y = ELEMENTWISE.module.problem(size)
        return lambda: list(run(x, y))

    return make


def by_ours(backend: str, contestant: str = "ours") -> Callable[[int], Step]:
    """{size: step} of this library."""

    def make(size: int) -> Step:
        with use_backend(backend) as chosen:
            step = step_of(contestant, ELEMENTWISE, size, chosen)

        def there() -> list[Any]:
            with use_backend(chosen):
                return step()

        return there

    return make


def contestants() -> dict[str, Callable[[int], Step]]:
    """Those whose packages are installed, ours first."""
    found = {OURS: by_ours("numpy")}
    if find_spec("numba"):
        found |= {"Numba, one core": by_numba(parallel=False), "Numba, all cores": by_numba(parallel=True)}
    if find_spec("torch"):
        found |= {"ours, torch": by_ours("torch"), "ours, torch compiled": by_ours("torch", "ours, compiled")}
    return found


def agree(found: list[Any], expected: list[Any]) -> None:
    """Raise AssertionError unless they are the same to rounding."""
    for a, b in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=CLOSE * float(np.max(np.abs(b))))


def seconds_a_call(step: Step, calls: int) -> float:
    """Seconds that a call takes, of so many."""
    step()  # hot
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def measured(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """{contestant: seconds a call of every round}, A B C in one round and C B A in the next."""
    expected = steps[OURS]()
    for step in steps.values():
        agree(step(), expected)
    calls = {name: max(1, int(SLICE / seconds_a_call(step, 1))) for name, step in steps.items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name in list(steps) if number % 2 else reversed(steps):
            found[name].append(seconds_a_call(steps[name], calls[name]))
    return found


def speedup(times: dict[str, list[float]], name: str) -> str:
    """How many times as fast as ours, within a round."""
    low, middle, high = quantiles([ours / its for ours, its in zip(times[OURS], times[name], strict=True)], n=4)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def conditions() -> str:
    """The machine and the versions."""
    packages, _, blas = libraries("numpy")
    said = packages | {name: version(name) for name in ("numba", "torch") if find_spec(name)}
    kernels = ", ".join(f"{one['library']} {one['version']} ({one['kernel']})" for one in blas[:1])
    return (
        f"{machine().cpu}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"{', '.join(f'{name} {number}' for name, number in said.items())}; {kernels}; Numba's SVML: {svml()}; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def svml() -> str:
    """Whether Numba has Intel's functions of whole vectors; without, its exp and tanh take one number at a time."""
    if not find_spec("numba"):
        return "no Numba here"
    import numba

    return "yes" if numba.config.USING_SVML else "no"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,100000,10000000")
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    makers = contestants()
    rows, ratios = (
        [["µs, median (least): n", *makers]],
        [[f"times as fast as {OURS}: n", *[n for n in makers if n != OURS]]],
    )
    for size in map(int, args.sizes.split(",")):
        times = measured({name: make(size) for name, make in makers.items()}, args.rounds)
        rows.append([f"{size:,}", *(f"{median(found) * 1e6:.0f} ({min(found) * 1e6:.0f})" for found in times.values())])
        ratios.append([f"{size:,}", *(speedup(times, name) for name in makers if name != OURS)])
    print(conditions(), markdown(rows), markdown(ratios), sep="\n\n")


if __name__ == "__main__":
    main()
