"""All checks in order: those without a device always, the fifteen where there is a GPU that CuPy can use."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from miniflow_xp.backend import Backend
from miniflow_xp.errors import MiniflowError
from miniflow_xp.switch import load
from miniflow_xp.verify.report import NOT_CHECKED, PASSED, Verdict, check, show, write_json
from miniflow_xp.verify.rules import check_compiles, check_fusable

FIFTEEN = (
    ("results:check_ceilings", "versions and ceilings"),
    ("results:check_rules", "every rule, forward and backward, against float64"),
    ("results:check_products", "the captured product against cupy.matmul"),
    ("results:check_plain_matmul_refuses", "plain cupy.matmul refuses to be captured"),
    ("results:check_captured_equals_eager", "captured equals eager over 100 steps"),
    ("graphs:check_inputs_are_seen", "new inputs and learning rates are seen"),
    ("graphs:check_results_are_kept", "results are never overwritten"),
    ("graphs:check_nothing_waits", "a step does not wait for the device"),
    ("memory:check_memory_is_flat", "memory is flat over 1,000 steps"),
    ("graphs:check_streams", "graphs on two streams equal serial"),
    ("speed:check_fused_rules", "fused rules: one kernel, equal, at bandwidth"),
    ("speed:check_column_sums", "sums down columns: the quickest way"),
    ("memory:check_failures", "out of memory and failed captures"),
    ("feeding:check_prefetch", "prefetched feeding equals plain feeding bit for bit, and overlaps"),
    ("peers:check_peers", "speed beside peers"),
)


def verify(console: Console, output: Path | None = None) -> bool:
    """Make all checks, print the table, write JSON to ``output``; True where every check was made and passed."""
    start = time.perf_counter()
    if output is not None:
        write_json(output, {"finished": False}, [])  # a file that cannot be written is told before the work
    verdicts = [
        check(0, "every elementwise rule is one kernel", check_fusable),
        check(0, "these kernels compile for Hopper, without a GPU", check_compiles),
    ]
    device, missing = "none", ""
    try:
        backend = load("cupy")
        device = backend.describe()
        for number, (place, name) in enumerate(FIFTEEN, 1):
            console.print(f"{number:2} {name} …", style="dim")
            verdicts.append(check(number, name, on(backend, place)))
    except MiniflowError as error:
        missing = str(error)
        names = enumerate(FIFTEEN, 1)
        verdicts += [Verdict(number, name, NOT_CHECKED, 0.0, {}, "needs a GPU") for number, (_, name) in names]
    show(console, verdicts)
    if missing:
        console.print(f"No GPU was used: {missing}", soft_wrap=True)
    seconds = time.perf_counter() - start
    if output is not None:
        write_json(output, {"finished": True, "device": device, "why not": missing, "seconds": seconds}, verdicts)
        console.print(f"Written to {output}", soft_wrap=True)
    return all(v.verdict == PASSED for v in verdicts)


def on(backend: Backend, place: str) -> Callable[[], dict[str, Any]]:
    """A check by module and function, on this backend; its memory is given back before the next."""

    def run() -> dict[str, Any]:
        from importlib import import_module

        import cupy

        module, _, function = place.partition(":")
        with backend.activate():
            try:
                found: dict[str, Any] = getattr(import_module(f"miniflow_xp.verify.{module}"), function)(backend)
                return found
            finally:
                cupy.get_default_memory_pool().free_all_blocks()

    return run
