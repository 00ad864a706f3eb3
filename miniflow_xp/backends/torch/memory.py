"""Where a replayed step may write its results: over tensors that nobody reads any more.

Fresh memory is slow on a CPU: at first touch the system clears each of its pages, which takes longer than most
elementwise calls. So a result is written over an input that is read for the last time, or over another tensor of its
shape and dtype that nobody reads any more, of this step or of the step before. The state that a step starts from is
overwritten only after the step: a step that Ctrl-C interrupts has changed nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import VIEWS, last_reads, root

COMMUTING = {
    "add": torch.add,
    "multiply": torch.mul,
    "bitwise_and": torch.bitwise_and,
    "bitwise_or": torch.bitwise_or,
    "bitwise_xor": torch.bitwise_xor,
}
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **COMMUTING,
    "subtract": torch.sub,
    "divide": torch.div,
    "negative": torch.neg,
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "bitwise_left_shift": torch.bitwise_left_shift,
    "bitwise_right_shift": torch.bitwise_right_shift,
    "addcmul": partial(torch.addcmul, value=-1),
}
PRODUCTS: dict[str, Callable[..., Any]] = {"matmul": torch.mm, "addmm": torch.addmm}
WRITING = {**ELEMENTWISE, **PRODUCTS}
FRESH = {*WRITING, "sigmoid_backward", "tanh_backward", "where"}
"""Operations whose results lie in memory of their own."""
READING = {
    *(*FRESH, "sum", "mean", "max", "min", "concat"),
    *("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
}
"""Operations whose results never share memory with what they read."""


class Writing(NamedTuple):
    """How an equation writes: its function, called with ``out``, on these inputs, over the tensor at ``place``."""

    function: Callable[..., Any]
    inputs: list[Value]
    place: int


class Memory(NamedTuple):
    """``writings``: {equation: how it writes}; ``dropped``: {equation: places that are empty after it}.

    ``kept``: {place at which a tensor of the step before lies: place of the tensor to keep for the next step}.
    """

    writings: Mapping[Value, Writing]
    dropped: Mapping[Value, list[int]]
    kept: Mapping[int, int]


def planned(order: Sequence[Value], results: Sequence[Value], state: Sequence[Value]) -> Memory:
    """The plan for equations in this order; the place of each is its number.

    ``state``: the arguments that the first results become in the next step; their memory is the capture's own.
    """
    places = {value: n for n, value in enumerate(order)}
    seen = [root(p) for v in order if v.op not in READING and v.op not in VIEWS for p in v.parents]
    seen += [root(r) for r in results]  # by others: a result may show their memory
    renewed = [
        s for s, r in zip(state, results, strict=False) if r.op in FRESH and seen.count(r) == 1 and s not in seen
    ]
    own = {v for v in order if v.op in FRESH}.difference(seen)
    spare: dict[Hashable, list[Value]] = defaultdict(list)
    writings: dict[Value, Writing] = {}
    wanting: list[Value] = []
    for value, read in zip(order, read_last(order), strict=True):
        ended = [r for r in read if r in own]
        if can_write(value):
            over = next((r for r in ended if may_overwrite(value, r)), None)
            if over is not None:
                ended.remove(over)
            elif spare[form(value)]:
                over = spare[form(value)].pop()
            if over is None:
                wanting.append(value)
            else:
                writings[value] = writing(value, places[over])
        for tensor in ended:
            spare[form(tensor)].append(tensor)
    for old in renewed:
        spare[form(old)].append(old)
    kept: dict[int, int] = {}
    for value in wanting:
        if spare[form(value)]:
            place = len(order) + len(kept)
            kept[place] = places[spare[form(value)].pop()]
            writings[value] = writing(value, place)
    needed = {*kept.values(), *(w.place for w in writings.values())}
    return Memory(writings, dropped(order, results, needed), kept)


def form(value: Value) -> Hashable:
    """Shape and dtype: what two tensors must have in common, so that one can be written over the other."""
    return value.shape, value.dtype


def has_dtype(item: Any) -> bool:
    """Is this a tensor, rather than a Python number or another argument?"""
    return isinstance(item, Value) and not item.is_number


def can_write(value: Value) -> bool:
    """Does this equation have a function that writes into a given tensor?"""
    if value.op not in WRITING or value.keywords or not all(isinstance(i, Value) for i in value.inputs):
        return False
    tensors = [i for i in value.inputs if has_dtype(i)]
    if not tensors or any(t.dtype != value.dtype for t in tensors):
        return False
    if value.op in PRODUCTS:
        return all(len(t.shape) == 2 for t in value.inputs[-2:])
    return has_dtype(value.inputs[0]) or value.op in COMMUTING


def may_overwrite(value: Value, tensor: Value) -> bool:
    """May an equation write over this input while it reads it: element by element, and not through a view?"""
    shown = [p for p in value.parents if root(p) is tensor]
    return value.op in ELEMENTWISE and form(tensor) == form(value) and all(p is tensor for p in shown)


def writing(value: Value, place: int) -> Writing:
    """The function and its inputs, tensors before numbers."""
    inputs = list(value.inputs)
    if not has_dtype(inputs[0]):
        inputs.reverse()
    return Writing(WRITING[value.op], inputs, place)


def dropped(order: Sequence[Value], results: Sequence[Value], needed: Collection[int] = ()) -> dict[Value, list[int]]:
    """{equation: the places that may be emptied after it}: neither results nor what is needed to be written over."""
    kept = set(results)
    places: dict[Value, list[int]] = defaultdict(list)  # in the memory of each tensor
    for place, value in enumerate(order):
        if not value.is_constant and value not in kept and place not in needed:
            places[root(value)].append(place)
    pairs = zip(order, read_last(order), strict=True)
    return {value: [place for tensor in ended for place in places[tensor]] for value, ended in pairs}


def read_last(order: Sequence[Value]) -> list[list[Value]]:
    """For each equation, the tensors that nobody reads after it, neither themselves nor through a view."""
    return last_reads([[root(p) for p in value.parents] for value in order])
