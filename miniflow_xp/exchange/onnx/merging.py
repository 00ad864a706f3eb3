"""One list of equations out of several recordings of a function, at several sizes of the batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from miniflow_xp.exchange.onnx.sizes import Inexpressible, Shape, constant_of, fitted
from miniflow_xp.recording.equations import Value


class Step:
    """One equation: like a recorded ``Value``, with sizes that may depend on the batch; ``name``: its tensor's."""

    def __init__(self, value: Value, inputs: Any, keywords: dict[str, Any], shape: Shape) -> None:
        self.op, self.dtype, self.is_several = value.op, value.dtype, value.is_several
        self.inputs, self.keywords, self.shape = inputs, keywords, shape
        self.name = ""


class Fixed:
    """A constant array, or a rule for one that depends on the batch; Python numbers stand for themselves."""

    def __init__(self, content: Any) -> None:
        self.content = content


def merged(
    recordings: Sequence[tuple[Sequence[Value], Sequence[Value]]], batches: Sequence[int]
) -> tuple[list[Step], list[Any]]:
    """The equations of all recordings as one list, and the results; raises Inexpressible where they differ."""
    lists = [values for values, _ in recordings]
    if len({len(values) for values in lists}) > 1:
        raise Inexpressible("there are more equations for some sizes than for others")
    steps: dict[Value, Step] = {}

    def item(parts: Sequence[Any]) -> Any:
        first = parts[0]
        if isinstance(first, Value):
            return value(parts)
        if isinstance(first, slice):
            return slice(*[item([getattr(p, name) for p in parts]) for name in ("start", "stop", "step")])
        if isinstance(first, (list, tuple)) and len({len(p) for p in parts}) == 1:
            return type(first)([item(column) for column in zip(*parts, strict=True)])
        if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
            return fitted(parts, batches)
        if hasattr(first, "dtype") and hasattr(first, "shape"):
            return Fixed(constant_of(parts, batches))
        if any(type(p) is not type(first) or p != first for p in parts):
            raise Inexpressible(f"an argument is {', '.join(map(str, parts))}")
        return first

    def value(parts: Sequence[Value]) -> Any:
        if all(p.is_constant for p in parts):
            contents = [p.content for p in parts]
            is_number = isinstance(contents[0], (bool, int, float))
            same = is_number and all(type(c) is type(contents[0]) and c == contents[0] for c in contents)
            return contents[0] if same else Fixed(constant_of(contents, batches))
        found = steps.get(parts[0])
        if found is None:
            raise Inexpressible("what is a constant for one size is none for another")
        return found

    for column in zip(*lists, strict=True):
        if len({(v.op, str(v.dtype), len(v.shape), len(v.inputs), *v.keywords) for v in column}) > 1:
            raise Inexpressible(f"the equations differ: {', '.join(dict.fromkeys(v.op for v in column))}")
        inputs = [item(parts) for parts in zip(*[v.inputs for v in column], strict=True)]
        keywords = {name: item([v.keywords[name] for v in column]) for name in column[0].keywords}
        shape = tuple([fitted(sizes, batches) for sizes in zip(*[v.shape for v in column], strict=True)])
        steps[column[0]] = Step(column[0], inputs, keywords, shape)
    results = [item(parts) for parts in zip(*[results for _, results in recordings], strict=True)]
    return list(steps.values()), results
