"""Does a State fit a Trainer? Every difference is found before anything changes."""

from collections import Counter
from collections.abc import Iterator
from math import isfinite
from reprlib import repr as shortened
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.backend import Array
from miniflow_xp.checkpoints.file import State
from miniflow_xp.checkpoints.strict_json import plain
from miniflow_xp.checks import as_number
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import GraphError
from miniflow_xp.feed import float_dtype, float_setting
from miniflow_xp.node import Parameter
from miniflow_xp.ops.dropout import PASSES, Mask
from miniflow_xp.switch import get_backend

LISTED = 8  # names in an error; a network may have thousands


def value_name(name: str) -> str:
    """The name of a parameter's value in a State."""
    return f"parameters/{name}"


def slot_name(number: int, name: str) -> str:
    """The name of a parameter's slot in a State."""
    return f"slots/{number}/{name}"


def named(trainer: Trainer) -> dict[str, Parameter]:
    """{name: parameter}, in the trainer's order; raises GraphError unless each has a name of its own."""
    counts = Counter(parameter.name for parameter in trainer.parameters)
    for parameter in trainer.parameters:
        if not parameter.name or counts[parameter.name] > 1:
            raise GraphError(
                str(parameter),
                "it has no name" if not parameter.name else f"{counts[parameter.name]} parameters have this name",
                "a checkpoint tells parameters by their names",
                "Give each a name of its own: Parameter(value, name=...)",
            )
    return {str(parameter.name): parameter for parameter in trainer.parameters}


def kind_of(trainer: Trainer) -> str:
    """The optimizer's class."""
    return type(trainer.optimizer).__qualname__


def settings_of(trainer: Trainer) -> dict[str, Any]:
    """The settings of the optimizer, as JSON gives them back; what follows from them is left out."""
    return plain({name: value for name, value in vars(trainer.optimizer).items() if name != "slots"})


def keys_of(trainer: Trainer) -> list[list[int]]:
    """The keys of dropout's masks, which follow from the model's seed; in the order of computing."""
    return [[int(word) for word in node.key] for node in trainer.graph.forward if isinstance(node, Mask)]


def problems(trainer: Trainer, parameters: dict[str, Parameter], state: State) -> list[str]:
    """The reasons why a State cannot be restored; none where it fits."""
    return (
        list(wrong_meta(trainer, state))
        or list(wrong_names(trainer, parameters, state))
        or [
            problem
            for name, parameter in parameters.items()
            for problem in (
                *wrong_shape(trainer, name, parameter, state),
                *wrong_dtype(trainer, name, parameter, state),
            )
        ]
    )


def wrong_meta(trainer: Trainer, state: State) -> Iterator[str]:
    """Problems of the metadata, which may come from a file made by hand."""
    optimizer, kinds, rate = (state.meta.get(key) for key in ("optimizer", "dtypes", "learning_rate"))
    if not isinstance(optimizer, dict) or not isinstance(kinds, dict) or not is_count(rate):
        yield "its metadata are not those of a Trainer"
        return
    numbers = optimizer.get("numbers")
    if not isinstance(numbers, dict) or set(numbers) != {"steps"} or not is_count(numbers["steps"]):
        yield "its metadata do not hold just the optimizer's steps"
    if optimizer.get("kind") != kind_of(trainer):
        yield f"it was saved from {str(optimizer.get('kind'))[:80]!r}, and the optimizer is {kind_of(trainer)!r}"
    passes = state.meta.get("passes")
    if not isinstance(passes, list) or not all(type(n) is int and 0 <= n < PASSES for n in passes):
        yield "its metadata do not hold the numbers of passes that dropout counts"
    elif len(passes) != len(trainer.counters):
        yield f"it was saved with {len(passes)} counters of passes for dropout, and there are {len(trainer.counters)}"
    keys = keys_of(trainer)
    if (saved := state.meta.get("masks", keys)) != keys:  # older checkpoints do not tell them
        what = f"their keys were {shortened(saved)}, and are {shortened(keys)}"
        yield f"its masks of dropout came from another seed: {what}"
    if not isinstance(optimizer.get("settings"), dict):
        yield "its metadata do not hold the optimizer's settings"


def wrong_names(trainer: Trainer, parameters: dict[str, Parameter], state: State) -> Iterator[str]:
    """Parameters and slots that only one of the two has."""
    values = {value_name(name) for name in parameters}
    slots = {slot_name(k, name) for name in parameters for k in range(trainer.optimizer.slots)}
    found = {name for name in state.arrays if name.startswith(("parameters/", "slots/"))}
    any_slots = any(name.startswith("slots/") for name in found)  # none where no step had been made
    expected = values | slots if any_slots else values
    if expected - found:
        yield f"it lacks {listed(expected - found)}"
    if found - expected:
        yield f"the trainer has no {listed(found - expected)}"
    if set(state.meta["dtypes"]) != set(parameters):
        yield "its metadata do not give the dtype of just each parameter"


def wrong_shape(trainer: Trainer, name: str, parameter: Parameter, state: State) -> Iterator[str]:
    """Shapes of the value and the slots that differ from the parameter's."""
    shape = shape_of(parameter.value)
    for key in arrays_of(trainer, name, state):
        if state.arrays[key].shape != shape:
            yield f"{key!r} has shape {state.arrays[key].shape}, and the parameter {shape}"


def wrong_dtype(trainer: Trainer, name: str, parameter: Parameter, state: State) -> Iterator[str]:
    """Dtypes that are neither the parameter's nor the narrower one in which the backend in use stores it.

    Slots for half precision are float32; in a file of an earlier version they were of half precision too.
    """
    saved = state.meta["dtypes"][name]
    host = dtypes.of_host(saved)
    for key in arrays_of(trainer, name, state):
        slots = () if key == value_name(name) else (dtypes.wider(saved),)
        if dtypes.name_of(state.arrays[key]) not in (host, *slots):
            yield f"{key!r} is {dtypes.name_of(state.arrays[key])}, and its metadata say {str(saved)[:80]!r}"
    wanted = wanted_dtype(parameter)
    if wanted is None or saved not in dtypes.FLOATS:
        return
    if saved not in (wanted, get_backend().storable(wanted)):
        yield f"{name!r} was {saved}, and the parameter is {wanted}"
    elif saved == "bfloat16" and get_backend().storable(saved) != saved:
        yield f"{name!r} is bfloat16, which {get_backend().name} does not have"


def arrays_of(trainer: Trainer, name: str, state: State) -> list[str]:
    """Names of a parameter's value and slots in a State."""
    keys = [value_name(name), *(slot_name(k, name) for k in range(trainer.optimizer.slots))]
    return [key for key in keys if key in state.arrays]


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array, or of the numbers that a new Parameter may hold."""
    if hasattr(value, "shape"):
        return tuple(value.shape)
    import numpy as np

    return np.shape(value)


def wanted_dtype(parameter: Parameter) -> str | None:
    """The float dtype that a parameter has or will get; None where the rest of the graph decides."""
    value: Array = parameter.value
    if parameter.dtype is not None:
        return parameter.dtype if parameter.dtype in dtypes.FLOATS else None
    return float_setting() or (float_dtype(parameter, value, value) if hasattr(value, "dtype") else None)


def listed(names: set[str]) -> str:
    """Names, for people."""
    shown = ", ".join(repr(name[:80]) for name in sorted(names)[:LISTED])
    return shown + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def is_count(number: Any) -> bool:
    """Is this a finite number, 0 or above?"""
    found = as_number(number)
    return found is not None and isfinite(found) and found >= 0
