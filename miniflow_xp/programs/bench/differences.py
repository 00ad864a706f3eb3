"""What differs between the machines and settings of two runs."""

from miniflow_xp.programs.bench.record import Record


def machine_differences(base: Record, new: Record) -> list[str]:
    """The facts that times depend on and that differ; BLAS libraries are compared if both runs had them loaded."""
    a, b = base.environment.machine, new.environment.machine
    found = [
        f"{fact} {x!r} and {y!r}"
        for fact, x, y in [
            ("cpu", a.cpu, b.cpu),
            ("cores", a.cores, b.cores),
            ("usable cores", a.used_cores, b.used_cores),
            ("gpu", a.gpu_name, b.gpu_name),
        ]
        if x != y
    ]
    ours, theirs = a.kernels, b.kernels
    return found + [
        f"{library} kernel {' '.join(sorted(ours[library]))} and {' '.join(sorted(theirs[library]))}"
        for library in sorted(ours.keys() & theirs.keys())
        if ours[library] != theirs[library]
    ]


def setting_notes(base: Record, new: Record) -> list[str]:
    """Packages, thread counts and variables that differ: they change times, and may be what one wants to compare."""
    a, b = base.environment.machine, new.environment.machine
    return [
        f"{part}: {name} {x.get(name)} and {y.get(name)}"
        for part, x, y in [
            ("packages", a.packages, b.packages),
            ("threads", a.threads, b.threads),
            ("variables", a.variables, b.variables),
        ]
        for name in sorted(x | y)
        if x.get(name) != y.get(name)
    ]
