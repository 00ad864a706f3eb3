"""A function of arrays as a diagram: the equations that are recorded when it is called with some arguments."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.arrays.refusals import ContentsError
from miniflow_xp.checks import function as checked
from miniflow_xp.drawing.diagram import Box, Diagram, Edge
from miniflow_xp.drawing.keys import keys_of
from miniflow_xp.drawing.summary import summary
from miniflow_xp.errors import SettingError
from miniflow_xp.ops.function import spelled
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.tape import record
from miniflow_xp.switch import backend_of
from miniflow_xp.transforms.jit import Jitted, contents_needed, name_of
from miniflow_xp.transforms.pullback import plain
from miniflow_xp.transforms.signatures import as_arrays, is_array
from miniflow_xp.transforms.trees import children_of, flatten


def diagram_of_function(function: Any, args: Sequence[Any]) -> tuple[Diagram, str]:
    """The diagram of what a function computes of these arguments, and its name; it is run once, to be recorded."""
    if isinstance(function, Jitted):
        function = function.function
    rule = "it takes a node, a sorted graph, a Program, a Trainer, a layer, or a function and its arguments"
    checked(function, "draw", rule, "Write draw(graph), or draw(f, x)")
    given = names_of(function, args)
    values, results = recorded(function, args)
    if not results:
        rule = "it is a function of arrays, and gives arrays"
        raise SettingError(f"draw, {name_of(function)}", "it gave no array", rule, "Write draw(f, x)")
    arguments = [value for value in values if value.op == "argument"]
    names = dict(zip(arguments, given, strict=True))
    numbers: Counter[str] = Counter()
    for value in values:
        if value not in names:
            numbers[value.op] += 1
            names[value] = f"{value.op}{numbers[value.op]}"
    drawn = [*arguments, *(value for value in values if value not in arguments)]
    drawn += dict.fromkeys(result for result in results if result.is_constant)
    taken: set[str] = set()
    keys = dict(zip(drawn, keys_of((name_in(names, value) for value in drawn), taken), strict=True))
    boxes, edges = [], []
    for value in drawn:
        for parent in dict.fromkeys(value.parents):
            source = keys.get(parent, "")
            if parent.is_constant and not source:  # of each that reads it, so that no edge leads through the whole
                (source,) = keys_of([name_in(names, parent)], taken)
                boxes.append(box_of(parent, source, names))
            edges.append(Edge(source, keys[value], shape_of(parent)))
        boxes.append(box_of(value, keys[value], names, value in results))
    return Diagram(tuple(boxes), tuple(edges), (), keys), name_of(function)


def name_in(names: Mapping[Value, str], value: Value) -> str:
    """The name of an equation, or the number that a constant is."""
    return names.get(value) or (repr(value.content) if value.is_number else f"array {value.shape}")


def shape_of(value: Value) -> tuple[int, ...] | None:
    """The shape of an equation's value; None where there are several."""
    return None if value.is_several else tuple(value.shape)


def recorded(function: Callable[..., Any], args: Sequence[Any]) -> tuple[list[Value], list[Value]]:
    """The equations of a function, and its results; raises JitError where they depend on the contents of an array."""
    leaves, build = flatten(list(args))
    at = [n for n, leaf in enumerate(leaves) if is_array_or_number(leaf)]
    arrays = as_arrays([leaves[n] for n in at])

    def step(_: Any, *given: Any) -> list[Any]:
        whole = list(leaves)
        for n, array in zip(at, given, strict=True):
            whole[n] = constant(array)
        try:
            result = function(*build(iter(whole)))
        except ContentsError as error:
            raise contents_needed(function, error) from None
        return [plain(leaf) for leaf in flatten(result)[0] if is_array(leaf)]

    backend = backend_of(arrays)
    with backend.activate():
        return record(step, backend.xp, arrays)


def is_array_or_number(leaf: Any) -> bool:
    """Is it recorded as an argument?"""
    return is_array(leaf) or (isinstance(leaf, int | float | complex) and not isinstance(leaf, bool))


def names_of(function: Callable[..., Any], args: Sequence[Any]) -> list[str]:
    """A name for each array among the arguments, ``p['a']``; raises SettingError where it does not take them."""
    try:
        bound = signature(function).bind(*args).arguments
    except TypeError as error:
        rule = "it is run once with its arguments, to be recorded"
        raise SettingError(f"draw, {name_of(function)}", str(error), rule, "Write draw(f, x)") from None
    except ValueError:  # some functions that are not written in Python have no signature
        bound = {f"argument {n}": arg for n, arg in enumerate(args)}
    return [name for parameter, tree in bound.items() for name in leaf_names(parameter, tree)]


def leaf_names(name: str, tree: Any) -> list[str]:
    """The names of a tree's leaves that are recorded."""
    children = children_of(tree)
    if children is None:
        return [name] if is_array_or_number(tree) else []
    labels = [repr(key) for key in tree] if isinstance(tree, Mapping) else list(map(str, range(len(children))))
    return [
        leaf for label, child in zip(labels, children, strict=True) for leaf in leaf_names(f"{name}[{label}]", child)
    ]


def box_of(value: Value, key: str, names: Mapping[Value, str], is_result: bool = False) -> Box:
    """The box of an equation, an argument or a constant."""
    name, shape = name_in(names, value), shape_of(value)
    dtype = None if value.dtype is None else dtypes.name_of(value)
    if value.op == "argument":
        return Box(key, name, "argument", "input", shape, dtype)
    if value.is_constant:
        return Box(key, name, "constant", "constant", shape, dtype, summary(value.content))
    settings = [f"{word}={setting!r}" for word, setting in value.keywords.items() if setting is not None]
    others = [spelled(item, ()) for item in value.inputs if not holds_values(item)]
    operation = value.op + (f"({', '.join([*others, *settings])})" if others or settings else "")
    formula = f"{value.op}({', '.join([*(said(item, names) for item in value.inputs), *settings])})"
    return Box(key, name, operation, "operation", shape, dtype, formula=formula, is_output=is_result)


def holds_values(item: Any) -> bool:
    """Is it an equation, or a list of some?"""
    return isinstance(item, Value) or (isinstance(item, list | tuple) and any(map(holds_values, item)))


def said(item: Any, names: Mapping[Value, str]) -> str:
    """What an equation is given, for people."""
    if isinstance(item, Value):
        return name_in(names, item)
    if holds_values(item):
        return f"[{', '.join(said(i, names) for i in item)}]"
    return spelled(item, ())
