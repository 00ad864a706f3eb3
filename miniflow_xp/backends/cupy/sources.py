"""The source of a kernel: what ``cupy.ElementwiseKernel`` is given."""

from typing import NamedTuple

from miniflow_xp.backends.cupy.expressions import C_TYPES, expression
from miniflow_xp.backends.cupy.groups import Group


class Source(NamedTuple):
    """Parameters as (dtype, name), the operation for one element, and a name for people who profile."""

    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    operation: str
    name: str


def write(group: Group) -> Source:
    """The kernel of a group. All inputs are read before anything is written: an output may lie over an input."""
    inputs = tuple((v.dtype.name, f"x{n}") for n, v in enumerate(group.inputs))
    outputs = tuple((v.dtype.name, f"y{n}") for n, v in enumerate(group.outputs))
    names = {v: f"a{n}" for n, v in enumerate(group.inputs)}
    lines = [f"const {C_TYPES[dtype]} a{n} = {x};" for n, (dtype, x) in enumerate(inputs)]
    for n, value in enumerate(group.members):
        lines.append(f"const {C_TYPES[value.dtype.name]} t{n} = {expression(value, names)};")
        names[value] = f"t{n}"
    lines += [f"{y} = {names[value]};" for (_, y), value in zip(outputs, group.outputs, strict=True)]
    ops = "_".join(value.op for value in group.members)
    return Source(inputs, outputs, "\n".join(lines), f"miniflow_{ops}"[:80])
