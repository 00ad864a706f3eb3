"""What can be exported, as one pure function: its inputs, parameters and results by name."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.engine.program import Program
from miniflow_xp.errors import ExportError
from miniflow_xp.feed import admit, checked_feed
from miniflow_xp.layers import Layer
from miniflow_xp.node import Input, Parameter
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.switch import load, to_numpy, use_backend
from miniflow_xp.transforms.signatures import as_arrays, is_array
from miniflow_xp.transforms.trees import flatten


class Source(NamedTuple):
    """``run(xp, *inputs, *parameters)`` gives the results; ``outputs``: their names, where these are known."""

    run: Callable[..., Sequence[Any]]
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    outputs: list[str]
    name: str


def source_of(what: Any, example: Sequence[Any]) -> Source:
    """A Program, a Layer or a function, with an example of what it takes; raises ExportError."""
    if isinstance(what, Program):
        return of_program(what, example[0] if example else None)
    if isinstance(what, Layer):
        return of_model(what, example)
    if not callable(what):
        raise ExportError(
            "export_onnx",
            f"it is given a {type(what).__name__}",
            "it exports a Program, a layer or model, or a function of arrays",
            "Make a Program of a node",
        )
    return of_function(what, example)


def of_function(function: Callable[..., Any], example: Sequence[Any]) -> Source:
    """A function of arrays, and of trees of them; its inputs are named as its arguments are."""
    leaves, build = flatten(example)
    with use_backend("numpy"):
        arrays = as_arrays([on_host(leaf) for leaf in leaves])
    inputs = dict(zip(names_of(function, example), map(np.asarray, arrays), strict=True))

    def run(_: Any, *arrays: Any) -> list[Any]:
        return [leaf for leaf in flatten(function(*build(iter(arrays))))[0] if is_array(leaf)]

    return Source(run, inputs, {}, [], str(getattr(function, "__name__", "function")))


def names_of(function: Callable[..., Any], example: Sequence[Any]) -> list[str]:
    """A name for each array among the arguments: that of the argument, with a number where it holds several."""
    try:
        parameters = inspect.signature(function).parameters.values()
        known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):  # of compiled code
        known = []
    names = []
    for n, argument in enumerate(example):
        name = known[n] if n < len(known) else f"x{n}"
        count = len(flatten(argument)[0])
        inner = list(argument) if isinstance(argument, Mapping) and len(argument) == count else range(count)
        names += [name] if count == 1 and hasattr(argument, "dtype") else [f"{name}_{i}" for i in inner]
    return unique(names)


def of_model(model: Layer, example: Sequence[Any]) -> Source:
    """A layer or a model, for prediction."""
    if len(example) != 1:
        raise ExportError(
            "export_onnx", f"it is given {len(example)} examples", "a model has one input", "Give one batch, an array"
        )
    batch = host(example[0])
    x = Input("x", dtype="int" if batch.dtype.kind in "iu" else None)
    found = of_program(Program(model(x, training=False)), {x: batch})
    return found._replace(name=model.name, outputs=["y"])


def of_program(program: Program, feed: Any) -> Source:
    """A Program: its outputs, then its gradients."""
    given = checked_feed(feed, "export_onnx")
    graph = program.graph
    if any(isinstance(leaf, Counter) for leaf in graph.leaves):
        raise ExportError(
            "export_onnx",
            "the graph has a mask of dropout, which is another one in each pass",
            "what is exported is a pure function",
            "Build the model for prediction: model(x, training=False)",
        )
    raw = {leaf: on_host(given[leaf] if leaf in given else leaf.value) for leaf in graph.leaves}  # noqa: SIM401  as fed
    admitted = admit(raw, load("numpy"))
    arrays = {leaf: np.asarray(admitted[leaf]) for leaf in graph.leaves}
    kept = [leaf for leaf in graph.leaves if isinstance(leaf, Parameter) and leaf not in given]
    fed = [leaf for leaf in graph.leaves if leaf not in kept]
    names = dict(zip([*fed, *kept], unique([str(leaf.name or "x") for leaf in (*fed, *kept)]), strict=True))

    def run(xp: Any, *values: Any) -> list[Any]:
        by_leaf = dict(zip([*fed, *kept], values, strict=True))
        found = graph.run(xp, [by_leaf[leaf] for leaf in graph.leaves], checks=True)
        return [*found.outputs, *found.gradients]

    outputs = [str(node.name or "y") for node in graph.outputs]
    gradients = [f"gradient_of_{node.name}" for node in graph.wrt]
    parts = [{names[leaf]: arrays[leaf] for leaf in leaves} for leaves in (fed, kept)]
    return Source(run, parts[0], parts[1], [*outputs, *gradients], "program")


def host(array: Any) -> Any:
    """An example as a NumPy array."""
    return np.asarray(on_host(array))


def on_host(value: Any) -> Any:
    """An array of any library as NumPy's; what is no array as it is."""
    return to_numpy(value) if hasattr(value, "dtype") and not hasattr(value, "inbound_nodes") else value


def unique(names: Sequence[str]) -> list[str]:
    """Names that other languages take too, each once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "x"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        number, candidate = 2, plain
        while candidate in found:
            number, candidate = number + 1, f"{plain}_{number}"
        found.append(candidate)
    return found
