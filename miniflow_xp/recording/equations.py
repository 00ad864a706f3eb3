"""Equations: what a recorded function computed, one call each, and their text."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from miniflow_xp import dtypes
from miniflow_xp.broadcasting import shape_of

Kind = TypeVar("Kind")


class Value:
    """One equation: ``op`` applied to ``inputs``, with keyword arguments; or an argument, or a constant.

    A function of several results is one that ``is_several``, without shape and dtype, and an equation ``item`` takes
    each result out of it.

    ``inputs`` are Values, or whatever else the function was called with (a shape, an index). Of its array only shape
    and dtype are kept, and whether it is a view, where the backend looked; a constant, an array or a Python number, is
    kept as ``content``. ``is_number``: it is a Python number, which takes the dtype of what it meets. ``parents``: the
    Values among the inputs, lists of them included. ``kind`` is for a backend to fill in.
    """

    __slots__ = (
        *("content", "dtype", "inputs", "is_constant", "is_number", "is_several"),
        *("is_view", "keywords", "kind", "op", "parents", "shape"),
    )

    def __init__(
        self,
        op: str,
        inputs: tuple[Any, ...],
        keywords: dict[str, Any],
        array: Any,
        is_view: bool = False,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.keywords = keywords
        self.parents = parents_of(inputs)
        self.kind: str | None = None
        self.is_several = isinstance(array, (tuple, list))
        self.shape = () if self.is_several else shape_of(array)
        self.dtype: Any = getattr(array, "dtype", None)
        self.is_view = is_view
        self.is_constant = op == "constant"
        self.is_number = self.dtype is None and not self.is_several
        self.content: Any = array if self.is_constant else None

    def become(self, op: str, inputs: tuple[Any, ...], keywords: dict[str, Any] | None = None) -> None:
        """Compute the same by another function."""
        self.op = op
        self.inputs = inputs
        self.keywords = keywords or {}
        self.parents = parents_of(inputs)
        self.kind = None

    def inputs_with(self, array: Callable[["Value"], Any]) -> list[Any]:
        """The inputs of the call, with ``array(v)`` in place of each Value v, in lists and tuples too."""

        def given(item: Any) -> Any:
            if isinstance(item, Value):
                return array(item)
            return type(item)([given(i) for i in item]) if type(item) in (list, tuple) else item

        return [given(i) for i in self.inputs]


is_constant: Callable[[Value], bool] = attrgetter("is_constant")


def describe(values: Sequence[Value], results: Sequence[Value]) -> str:
    """The equations as text, one a line: ``v3 = matmul(v0, v1)  float32 (64, 10)``."""
    names = {value: f"v{n}" for n, value in enumerate(values)}

    def spell(item: Any) -> str:
        if isinstance(item, Value):
            return names.get(item) or (repr(item.content) if item.shape == () else f"constant {item.shape}")
        return f"[{', '.join(map(spell, item))}]" if isinstance(item, list) else repr(item)

    lines = []
    for value in values:
        call = ", ".join([*map(spell, value.inputs), *(f"{k}={v!r}" for k, v in value.keywords.items())])
        form = "several" if value.is_several else f"{dtypes.name_of(value)} {value.shape}"
        lines.append(f"{names[value]} = {value.op}({call})  {form}")
    return "\n".join([*lines, f"return {', '.join(map(spell, results))}"])


def parents_of(inputs: tuple[Any, ...]) -> Sequence[Value]:
    """The Values among the inputs of a call, those in lists included; the inputs themselves where all are Values."""
    for item in inputs:
        if type(item) is not Value:
            return flat(inputs, Value)
    return inputs


def flat(items: Sequence[Any], kind: type[Kind]) -> list[Kind]:
    """The items of a kind, including those in lists."""
    found = []
    for item in items:
        if isinstance(item, kind):
            found.append(item)
        elif isinstance(item, (list, tuple)):
            found += [i for i in item if isinstance(i, kind)]
    return found
