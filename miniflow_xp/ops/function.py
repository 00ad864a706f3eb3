"""Nodes of functions: ``Function`` calls one of the Array API by its name, ``as_node`` makes a class of one's own."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import miniflow_xp.rules  # noqa: F401  fills the tables
from miniflow_xp import checks, dtypes
from miniflow_xp.arrays.calls import boxed, grounded, rebuilt
from miniflow_xp.arrays.namespace import Namespace as TracedNamespace
from miniflow_xp.arrays.namespace import namespace_of_library
from miniflow_xp.arrays.operators import BINARY, COMPARISONS
from miniflow_xp.arrays.tables import RULES, WITHOUT_GRADIENT
from miniflow_xp.arrays.updates import call
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import GraphError, MiniflowError
from miniflow_xp.node import Constant, Elementwise, Node, Thunk, copied
from miniflow_xp.nodes.operators import Known

DTYPES = ("bool", *dtypes.FLOATS, *dtypes.INTEGERS, "complex64", "complex128")
PLACES = ("take", "take_along_axis", "repeat", "getitem", "setitem", "add_at")
"""Functions whose integers stay integers: they say where, and how often."""


class Dtype(str):
    """A dtype by its name; each library has an object of its own for it."""

    __slots__ = ()


class Slot(NamedTuple):
    """Stands for the value of an inbound node in what a function is given."""

    place: int


class Call(Node):
    """A node that calls a function: ``args`` and ``keywords`` are what it is given, with Slots for inbound nodes."""

    def __init__(
        self, args: Sequence[Any], keywords: Mapping[str, Any], name: str | None = None, places: bool = False
    ) -> None:
        inbound: list[Any] = []
        self.args: tuple[Any, ...] = entered(tuple(args), inbound, places)
        self.keywords: dict[str, Any] = entered(dict(keywords), inbound, places)
        super().__init__(inbound, name)

    def given(self, xp: Namespace, inputs: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Arguments and keywords with these inputs, and dtypes of the library."""
        return filled(self.args, xp, inputs), filled(self.keywords, xp, inputs)

    def spelled(self, inputs: Sequence[str]) -> str:
        named = [f"{name}={spelled(item, inputs)}" for name, item in self.keywords.items() if item is not None]
        return f"{self.kind}({', '.join([*(spelled(item, inputs) for item in self.args), *named])})"


class Function(Call):
    """``op``, a function of the Array API or of this package, named as the standard does: ``exp``, ``linalg.solve``.

    ``part``: of a function with several results, the number of the one that is this node's value.
    """

    kind = Known(lambda node: node.op, "The function's name.")

    def __init__(
        self,
        op: str,
        args: Sequence[Any],
        keywords: Mapping[str, Any],
        part: int | None = None,
        name: str | None = None,
    ) -> None:
        self.op, self.part, self.has_gradient = op, part, op not in WITHOUT_GRADIENT
        super().__init__(args, keywords, name, places=op in PLACES)

    def check(self, *inputs: Any) -> None:
        if self.op in BINARY or self.op in COMPARISONS:
            Elementwise.check(self, *inputs)  # type: ignore[arg-type]  # it looks at shapes alone

    def compute(self, xp: Namespace, *inputs: Any) -> Array:
        args, keywords = self.given(xp, inputs)
        try:
            value = call(xp, self.op, *args, **keywords)
        except MiniflowError:
            raise
        except (ValueError, IndexError, RuntimeError) as error:
            raise refused(self, inputs, error) from error
        if self.part is None and isinstance(value, (list, tuple)):
            raise several_results(self)
        return value if self.part is None else value[self.part]

    def vjp(self, xp: Namespace, gradient: Array, value: Array, *inputs: Any) -> Sequence[Thunk | None]:
        if not self.has_gradient:
            return [None] * len(inputs)
        rule = RULES.get(self.op)
        if rule is None or self.part is not None or any(map(dtypes.is_complex, inputs)):
            return super().vjp(xp, gradient, value, *inputs)
        args, keywords = self.given(xp, inputs)
        found: list[Any] = [None] * len(inputs)
        thunks: Any = rule(xp, gradient, value, *args, **keywords)
        for item, thunk in zip(self.args, thunks, strict=False):
            several = isinstance(thunk, (list, tuple))  # of a list of arrays
            for slot, one in zip(item, thunk, strict=True) if several else [(item, thunk)]:
                if type(slot) is Slot and dtypes.is_float(inputs[slot.place]):
                    found[slot.place] = one
        return found

    def __bool__(self) -> bool:
        if not self.has_gradient:
            raise GraphError(
                str(self),
                "its truth is asked for, as by if, and, or",
                "a node has no value until a pass computes it",
                "Write xp.where(condition, a, b), and a & b for both; node is None asks whether there is one",
            )
        return True

    def spelled(self, inputs: Sequence[str]) -> str:
        if self.op == "getitem":
            key = self.args[1]
            keys = key if isinstance(key, tuple) and type(key) is not Slot else (key,)
            return f"{spelled(self.args[0], inputs)}[{', '.join(spelled(k, inputs) for k in keys)}]"
        return super().spelled(inputs) + ("" if self.part is None else f"[{self.part}]")


class Made(Call):
    """A node of a user's function of arrays: ``function(*inputs, **keywords)``."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, *inputs: Any, name: str | None = None, **keywords: Any) -> None:
        super().__init__(inputs, keywords, name)

    def compute(self, xp: Namespace, *inputs: Any) -> Array:
        ours = ours_of(xp)
        return value_of(self, xp, *self.given(xp, [boxed(x, ours) for x in inputs]))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return reduced_to_function(self) or super().__reduce_ex__(protocol)


def ours_of(xp: Namespace) -> TracedNamespace:
    """The namespace that functions of arrays find: that of traced arrays, for a library's or as it is."""
    return xp if isinstance(xp, TracedNamespace) else namespace_of_library(xp)


def value_of(node: Any, xp: Namespace, args: Sequence[Any], keywords: Mapping[str, Any]) -> Array:
    """What the function of a node's class returns, one array, for traced arrays; raises GraphError."""
    value = type(node).function(*args, **keywords)
    if not hasattr(value, "dtype"):
        raise GraphError(
            str(node),
            f"its function returned a {type(value).__name__}",
            "the value of a node is one array",
            "Return an array: one of several results, or xp.asarray(number)",
        )
    return value if isinstance(xp, TracedNamespace) else grounded(value)


def reduced_to_function(node: Any) -> tuple[Any, ...] | None:
    """How a node of a function's class is pickled where its class is not found by name; None where it is."""
    kind = type(node)
    if is_found_by_name(kind):
        return None
    return empty, (kind.function, kind.__name__, kind.__base__), node.__getstate__()


def as_node(function: Callable[..., Any], name: str | None = None) -> type[Made]:
    """Make a node class of a function of arrays; also a decorator.

    ``Softplus(x, name=...)`` makes a node, from nodes, numbers and arrays; other keywords are handed to the function.
    It takes its functions from ``array_namespace(x)``, operators, methods and indexing, returns one array, and its
    gradient is that of what it calls; ``custom_vjp`` gives it another. ``name``: of the class, for people.
    """
    checks.function(function, "as_node", "it is a function of arrays", "Write as_node(lambda x: ...)")
    found: type[Made] = class_of(function, name, Made)
    return found


@lru_cache(maxsize=256)  # which keeps the functions
def class_of(function: Callable[..., Any], name: str | None, base: Any) -> Any:
    """The class of a function's nodes; one for each function, so that copies are of it."""
    own = str(getattr(function, "__name__", type(function).__name__))
    members = {
        "function": staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": getattr(function, "__module__", None) or __name__,
        "__qualname__": str(getattr(function, "__qualname__", own)) if name is None else name,
    }
    return type(name or ("function" if own == "<lambda>" else own), (base,), members)


def is_found_by_name(kind: type) -> bool:
    """Is the class what its module shows by its name? Then pickle finds it there."""
    from sys import modules

    found: Any = modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind


def empty(function: Callable[..., Any], name: str, base: Any) -> Any:
    """A node of a function's class, whose state is still to come."""
    kind = class_of(function, None if getattr(function, "__name__", None) in (name, "<lambda>") else name, base)
    return kind.__new__(kind)


def entered(item: Any, inbound: list[Any], places: bool) -> Any:
    """What a function is given, to be kept: Slots for nodes and arrays, which are added to ``inbound``."""
    if isinstance(item, Node):
        return slot_of(item, inbound)
    if isinstance(item, dict):
        return {name: entered(value, inbound, places) for name, value in item.items()}
    if isinstance(item, (list, tuple)):
        return rebuilt(item, [entered(i, inbound, places) for i in item])
    if hasattr(item, "dtype") and not isinstance(item, type):
        number = checks.as_number(item)
        if number is not None:
            return number
        kept = copied(item, "a constant array")
        name = dtypes.name_of(kept)
        keeps = name == "bool" or (places and name in dtypes.INTEGERS)
        return slot_of(Constant(kept, keeps_dtype=keeps), inbound)
    name = str(getattr(item, "__name__", item)).rpartition(".")[2]
    return Dtype(name) if name in DTYPES else item


def slot_of(node: Node, inbound: list[Any]) -> Slot:
    """The Slot of one more inbound node."""
    inbound.append(node)
    return Slot(len(inbound) - 1)


def filled(item: Any, xp: Namespace, inputs: Sequence[Any]) -> Any:
    """What was kept, as the function takes it: with inputs in the Slots, and dtypes of the library."""
    if type(item) is Slot:
        return inputs[item.place]
    if type(item) is Dtype:
        return getattr(xp, item)
    if isinstance(item, dict):
        return {name: filled(value, xp, inputs) for name, value in item.items()}
    if isinstance(item, (list, tuple)):
        return rebuilt(item, [filled(i, xp, inputs) for i in item])
    return item


def spelled(item: Any, inputs: Sequence[str]) -> str:
    """What was kept, for people; ``inputs`` are the names of the inbound nodes."""
    if type(item) is Slot:
        return inputs[item.place]
    if isinstance(item, slice):
        ends = ["" if end is None else str(end) for end in (item.start, item.stop)]
        return ":".join([*ends, str(item.step)] if item.step is not None else ends)
    if isinstance(item, (list, tuple)):
        text = ", ".join(spelled(i, inputs) for i in item)
        return f"[{text}]" if isinstance(item, list) else f"({text},)" if len(item) == 1 else f"({text})"
    return "..." if item is Ellipsis else str(item) if type(item) is Dtype else repr(item)


def several_results(node: Function) -> GraphError:
    """The error for a function that gives a tuple, though one array was expected."""
    return GraphError(
        str(node),
        "the function gives several arrays",
        "the value of a node is one array",
        f"Take one of them: as_node(lambda x: xp.{node.op}(x)[0])",
    )


def refused(node: Function, inputs: Sequence[Any], error: Exception) -> GraphError:
    """The error for inputs that the library's function does not take."""
    forms = [f"{dtypes.name_of(x)} {shape_of(x)}" if hasattr(x, "dtype") else repr(x) for x in inputs]
    said = str(error).strip().splitlines() or [type(error).__name__]
    return GraphError(
        str(node),
        f"its inputs are {', '.join(forms)}",
        f"{node.op} takes others: {said[0]}",
        f"Look at the arguments of {node.op}: {node.spelled([str(n) for n in node.inbound_nodes])}",
    )
