"""Run all checks in order: two that need no device, and sixteen where CuPy can use a GPU."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.programs.verify.apart import Check, run_check
from miniflow_xp.programs.verify.report import NOT_CHECKED, PASSED, Verdict, count, show, write_json
from miniflow_xp.switch import described, load

CHECKS = (
    Check(0, "every elementwise rule is one kernel", ".rules:check_fusable", needs_gpu=False),
    Check(0, "these kernels compile for Hopper, without a GPU", ".rules:check_compiles", needs_gpu=False),
    Check(1, "versions and ceilings", ".results:check_ceilings"),
    Check(2, "every rule, forward and backward, against float64", ".results:check_rules"),
    Check(3, "the captured product against cupy.matmul", ".results:check_products"),
    Check(4, "plain cupy.matmul refuses to be captured", ".results:check_plain_matmul_refuses"),
    Check(5, "captured equals eager over 100 steps", ".results:check_captured_equals_eager"),
    Check(6, "new inputs and learning rates are seen", ".graphs:check_inputs_are_seen"),
    Check(7, "results are never overwritten", ".graphs:check_results_are_kept"),
    Check(8, "a step does not wait for the device", ".graphs:check_nothing_waits"),
    Check(9, "memory is flat over 1,000 steps", ".memory:check_memory_is_flat"),
    Check(10, "graphs on two streams equal serial", ".graphs:check_streams"),
    Check(11, "fused rules: one kernel, equal, at bandwidth", ".speed:check_fused_rules"),
    Check(12, "sums down columns: the quickest way", ".speed:check_column_sums"),
    Check(13, "out of memory and failed captures", ".memory:check_failures"),
    Check(14, "prefetched feeding equals plain feeding bit for bit, and overlaps", ".feeding:check_prefetch"),
    Check(15, "speed beside peers", ".peers:check_peers"),
    Check(16, "every array function: value, gradient, captured replay", ".functions:check_functions"),
)


def verify(console: Console, output: Path | None = None, only: Sequence[int] = (), budget: float | None = None) -> bool:
    """Run the checks of these numbers, or all, in ``budget`` seconds; True where every one has run and passed.

    Each verdict is printed at once and added to ``output``, a JSON file.
    """
    start = time.perf_counter()
    device, missing = gpu()
    verdicts: list[Verdict] = []

    def write(finished: bool) -> None:
        if output is not None:
            seconds = time.perf_counter() - start
            about = {"finished": finished, "device": device, "why not": missing, "seconds": seconds}
            write_json(output, about, verdicts)

    if output is not None:
        check_writable("--output", output, {})  # raised before the work
    console.print(f"No GPU is used: {missing}" if missing else device, soft_wrap=True, markup=False, highlight=False)
    for verdict in verdicts_of(select(only), missing, None if budget is None else start + budget):
        verdicts.append(verdict)
        show(console, verdict)
        write(finished=False)
    write(finished=True)
    console.print(f"\n{count(verdicts)}.", highlight=False)
    if output is not None:
        console.print(f"Written to {output}", soft_wrap=True, markup=False)
    return all(v.verdict == PASSED for v in verdicts)


def gpu() -> tuple[str, str]:
    """The device that CuPy uses, or why it can use none."""
    try:
        return described(load("cupy")), ""
    except MiniflowError as error:
        return "none", str(error)


def verdicts_of(checks: Sequence[Check], missing: str, until: float | None) -> Iterator[Verdict]:
    """Run checks in turn. Each but the last gets half of the time left, so one that hangs leaves some to others."""
    for place, one in enumerate(checks, 1):
        left = None if until is None else until - time.perf_counter()
        if one.needs_gpu and missing:
            yield Verdict(one.number, one.name, NOT_CHECKED, 0.0, {}, "needs a GPU")
        elif left is not None and left <= 0:
            yield Verdict(one.number, one.name, NOT_CHECKED, 0.0, {}, "no time left")
        else:
            yield run_check(one, left if left is None or place == len(checks) else left / 2)


def select(only: Sequence[int]) -> list[Check]:
    """The checks of these numbers, in that order; all where there are none."""
    numbers = list(dict.fromkeys(only or [one.number for one in CHECKS]))
    return [one for number in numbers for one in CHECKS if one.number == number]


def parse_numbers(texts: Sequence[str]) -> list[int]:
    """``["8", "2,3"]`` as numbers of checks; raises SettingError."""
    known = {str(one.number): one.number for one in CHECKS}
    found = [part.strip() for text in texts for part in text.split(",")]
    for part in found:
        if part not in known:
            raise SettingError("--only", f"there is no check {part!r}", f"there are {', '.join(known)}", "Write 8,2")
    return [known[part] for part in found]
