"""Can a step run on some rows of the batch at a time, and the parts be added up?

Each value gets a state: how it depends on the batch, which is the first axis of the arguments in question.
"""

from collections.abc import Collection, Sequence

from miniflow_xp.backends.numpy.primitives import axes, kind
from miniflow_xp.recording.equations import Value

WHOLE = "whole"  # independent of the batch: computed once, before
ROWS = "rows"  # axis 0 runs over the batch
COLUMNS = "columns"  # axis 1 runs over the batch: a transposed value
PARTIAL = "partial"  # a sum over the batch: each part gives a term
AFTER = "after"  # depends on such sums: computed once, after
CUT = (ROWS, COLUMNS)

PRODUCTS = {(ROWS, WHOLE): ROWS, (WHOLE, COLUMNS): COLUMNS, (COLUMNS, ROWS): PARTIAL}

States = dict[Value, str]
"""{value: its state}; what is not there is ``WHOLE``, as every value is where a step is not cut."""


def state_in(states: States, value: Value) -> str:
    """The state of a value."""
    return states.get(value, WHOLE)


def cut(values: Sequence[Value], batch: Collection[Value], rows: int) -> States | None:
    """The state of every value when the arguments in ``batch``, of ``rows`` rows, are cut; None if they cannot be."""
    states: States = {}
    for value in values:
        for parent in value.parents:
            if parent.is_constant:
                states[parent] = WHOLE
        if value.op == "argument":
            states[value] = ROWS if value in batch else WHOLE
            continue
        state = state_of(value, states, rows)
        if state is None:
            return None
        states[value] = state
    return states


def state_of(value: Value, states: States, rows: int) -> str | None:
    """The state of one value, from those of its inputs; None where the rows cannot be separated."""
    parents = value.parents
    found = [states[p] for p in parents]
    if not any(s in CUT for s in found):
        if set(found) == {PARTIAL} and kind(value) in ("view", "concat"):
            return PARTIAL
        return AFTER if PARTIAL in found or AFTER in found else WHOLE
    if PARTIAL in found or AFTER in found or any(p.is_constant and rows in p.shape for p in parents):
        return None
    if kind(value) in ("ufunc", "where", "sigmoid"):
        return elementwise(value, parents, found, rows)
    if kind(value) == "product":
        flat = all(len(p.shape) == 2 for p in parents)
        return PRODUCTS.get((found[0], found[1])) if flat else None
    if kind(value) == "reduction":
        return reduction(value, found[0])
    if kind(value) == "view":
        return view(value, found[0], rows)
    return None


def elementwise(value: Value, parents: Sequence[Value], found: list[str], rows: int) -> str | None:
    """All inputs that are cut must be cut along the same axis of the result; the others must not have it."""
    cuts = {s for s in found if s in CUT}
    if len(cuts) > 1:
        return None
    (state,) = cuts
    axis = CUT.index(state) - len(value.shape)  # counted from the last, as broadcasting does
    for parent, parent_state in zip(parents, found, strict=True):
        if parent_state == state and len(parent.shape) != len(value.shape):
            return None
        length = parent.shape[axis] if len(parent.shape) >= -axis else 1
        if length != (rows if parent_state == state else 1):
            return None
    return state


def reduction(value: Value, state: str) -> str | None:
    """A sum over the batch becomes a sum of parts; one over other axes keeps the batch, maybe at another axis."""
    batch_axis = CUT.index(state)
    if batch_axis in axes(value):
        return PARTIAL if value.op == "sum" else None
    moves_first = 0 in axes(value) and not value.keywords.get("keepdims")
    return ROWS if batch_axis == 0 or moves_first else COLUMNS


def view(value: Value, state: str, rows: int) -> str | None:
    """Transposing swaps rows and columns; reshaping must leave the rows alone."""
    if value.op == "matrix_transpose" and len(value.shape) == 2:
        return COLUMNS if state == ROWS else ROWS
    if value.op in ("reshape", "expand_dims", "squeeze") and state == ROWS and value.shape[:1] == (rows,):
        return ROWS
    return None
