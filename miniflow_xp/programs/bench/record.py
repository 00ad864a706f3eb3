"""The keys of a run's file and what each holds: the one door through which a file becomes a run."""

from typing import Any

from miniflow_xp.programs.bench.schema import WrongError, anything, by_name, each, flag, maybe, number, record, text

SECONDS = number(1e-15, 1e15)  # of a sample; the ratio of any two is a float
AMOUNT = maybe(number(0, 1e30))
COUNT = number(0, 10**12, int)

SAMPLES = each(SECONDS)

CELL = record(
    {
        **dict.fromkeys(("family", "series", "case", "axis", "backend", "contestant", "dtype", "state"), text),
        "axes": by_name(number(1e-15, 1e15)),
        "residence": maybe(text),
        "samples": SAMPLES,
        "rounds": each(COUNT),
    },
    {
        **dict.fromkeys(("cache", "kind", "why", "note"), text),
        **dict.fromkeys(("first_call_s", "capture_s", "upload_s", "device_s"), AMOUNT),
        **dict.fromkeys(("flops", "bytes", "peak_bytes", "error"), AMOUNT),
        **dict.fromkeys(("calls", "warmup_calls"), maybe(COUNT)),
        "host_s": maybe(each(number(0, 1e15))),
        "stable": maybe(flag),
    },
)

MACHINE = record(
    {},
    {
        **dict.fromkeys(("cores", "usable_cores", "memory_bytes"), AMOUNT),
        **dict.fromkeys(("packages", "threads", "variables"), by_name(anything)),
        "blas": each(by_name(anything)),
    },
)

STATE = record({}, {"load": maybe(each(number(0, 1e15))), "busy_cores": AMOUNT})

RUN = record(
    {
        "backends": by_name(record({"describe": text}, {"usable": flag, "start_s": AMOUNT})),
        "cells": each(CELL),
        "environment": record({}, {"machine": MACHINE, "before": STATE, "after": STATE}),
    },
    {
        **dict.fromkeys(("created", "mode", "command"), text),
        **dict.fromkeys(("budget_s", "seconds"), AMOUNT),
        "complete": flag,
        "second_sitting": maybe(COUNT),
        "ceilings": by_name(by_name(by_name(AMOUNT))),
        "control": each(record({"backend": text, "case": text, "a": SAMPLES, "b": SAMPLES}, {})),
        "planted": each(
            record({"backend": text, "case": text, "plain": SAMPLES, "slowed": SAMPLES}, {"slowdown": AMOUNT})
        ),
    },
)


def check(run: Any) -> None:
    """Raise WrongError, which names the key, unless this is what ``bench`` writes."""
    RUN(run, "")
    for place, cell in enumerate(run["cells"]):
        if len(cell["rounds"]) != len(cell["samples"]):
            got = f"it holds {len(cell['rounds'])}"
            raise WrongError(f"cells[{place}].rounds", got, f"there is one for each of {len(cell['samples'])} samples")
