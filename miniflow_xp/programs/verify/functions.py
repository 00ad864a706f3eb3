"""The check of array functions: each one's value, gradient and captured replay."""

import time

from miniflow_xp.backend import Backend
from miniflow_xp.gradcheck.examples import FUNCTIONS
from miniflow_xp.gradcheck.table import findings
from miniflow_xp.programs.verify.report import Figures, MissingError, expect

SECONDS = 120.0  # most of it goes to compiling kernels, which CuPy keeps on the disk: a second run gets further


def check_functions(backend: Backend, figures: Figures) -> None:
    """16: every function of the table, beside NumPy and central differences; which run call by call, and why."""
    until = time.perf_counter() + SECONDS
    wrong: list[str] = []
    plain: dict[str, str] = {}
    for number, name in enumerate(FUNCTIONS):
        figures["begun"] = f"{name}, {number + 1} of {len(FUNCTIONS)}"  # where the process ends, this was it
        for found in findings(backend, [name]):
            if found.wrong:
                wrong.append(name)
                figures[f"wrong: {name}"] = found.wrong.splitlines()[0]
            elif found.why_plain:
                plain[name] = found.why_plain
        if time.perf_counter() > until:
            break
    if plain:
        figures["run call by call"] = f"{len(plain)}: {', '.join(plain)}"
        figures["why"] = "; ".join(sorted({why for text in plain.values() for why in text.split("; ")}))
    expect(not wrong, f"wrong: {', '.join(wrong)}")
    if left := FUNCTIONS[number + 1 :]:
        raise MissingError(f"{SECONDS:.0f} s were over before {', '.join(left)}")
