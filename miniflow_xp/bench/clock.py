"""Clocks: seconds a call on the wall, the device waited for; and the part of them that the host took to ask."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from miniflow_xp.backend import Backend


def timed(
    step: Callable[[], Any],
    calls: int,
    wait: Callable[[Any], None],
    each: bool = False,
    now: Callable[[], float] = perf_counter,
) -> tuple[float, float]:
    """(seconds, host seconds) a call over so many calls; the host's end when everything has been asked for.

    A device runs what it is asked in turn, so the last result is waited for. With ``each``, every result is: JAX on the
    CPU runs independent calls in no fixed order.
    """
    start = now()
    for _ in range(calls - 1):
        result = step()
        if each:
            wait(result)
    result = step()
    asked = now()
    wait(result)
    return (now() - start) / calls, (asked - start) / calls


def wait_for(backend: Backend) -> Callable[[Any], None]:
    """Wait until a result is there: through the result itself where its library can, else for the whole device."""

    def wait(result: Any) -> None:
        arrays = result if isinstance(result, list | tuple) else [result]
        ready = [getattr(a, "block_until_ready", None) for a in arrays]
        if ready and all(ready):
            for block in ready:
                block()  # type: ignore[misc]  # all are there
        else:
            backend.synchronize()

    return wait
