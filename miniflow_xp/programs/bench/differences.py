"""What differs between the machines and settings of two runs."""

from collections.abc import Mapping
from typing import Any

from miniflow_xp.programs.bench.rows import Run


def machine_differences(base: Run, new: Run) -> list[str]:
    """The facts that times depend on and that differ; BLAS libraries are compared if both runs had them loaded."""
    a, b = (run.get("environment", {}).get("machine", {}) for run in (base, new))
    found = [
        f"{fact} {x!r} and {y!r}"
        for fact, x, y in [
            *((fact, a.get(fact), b.get(fact)) for fact in ("cpu", "cores")),
            ("usable cores", used_cores(a), used_cores(b)),
            ("gpu", gpu_name(a), gpu_name(b)),
        ]
        if x != y
    ]
    ours, theirs = (kernels(machine) for machine in (a, b))
    return found + [
        f"{library} kernel {' '.join(sorted(ours[library]))} and {' '.join(sorted(theirs[library]))}"
        for library in sorted(ours.keys() & theirs.keys())
        if ours[library] != theirs[library]
    ]


def used_cores(machine: Mapping[str, Any]) -> object:
    """How many cores the run could use: all of them, where it does not say."""
    return machine.get("usable_cores", machine.get("cores"))


def gpu_name(machine: Mapping[str, Any]) -> object:
    """The GPU's name, or all that is known of it; None where there is none."""
    gpu = machine.get("gpu")
    return gpu.get("name", gpu) if isinstance(gpu, Mapping) else gpu


def kernels(machine: Mapping[str, Any]) -> dict[str, set[str]]:
    """{BLAS library: its kernels}."""
    found: dict[str, set[str]] = {}
    for library in machine.get("blas") or []:
        found.setdefault(str(library.get("library")), set()).add(str(library.get("kernel")))
    return found


def setting_notes(base: Run, new: Run) -> list[str]:
    """Packages, thread counts and variables that differ: they change times, and may be what one wants to compare."""
    a, b = (run.get("environment", {}).get("machine", {}) for run in (base, new))
    notes = []
    for part in ("packages", "threads", "variables"):
        x, y = (machine.get(part) or {} for machine in (a, b))
        notes += [f"{part}: {k} {x.get(k)} and {y.get(k)}" for k in sorted(x | y) if x.get(k) != y.get(k)]
    return notes
