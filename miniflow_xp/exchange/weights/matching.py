"""Which array of theirs belongs to which layer of ours: by order, kind and shape, or by name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.checks import shown
from miniflow_xp.errors import DataError, DtypeError, SettingError, ShapeError
from miniflow_xp.exchange.weights.files import Weights
from miniflow_xp.exchange.weights.layouts import KERAS, KERAS_NAMES, TORCH, Item, Layouts
from miniflow_xp.given import check_kind
from miniflow_xp.layers import Layer
from miniflow_xp.switch import to_numpy

WHERE = "load_state_dict"
NO_WEIGHTS = re.compile(r"(.*\.)?num_batches_tracked|optimizer/.*|.*seed_generator/.*")
"""What others keep beside weights: PyTorch counts batches, Keras has its optimizer and the seeds of dropout."""
PART = re.compile(r"(.*?)/?((?:(?:query|key|value|output)_dense/)?vars/\d+|[^/]*)")
"""A name in a file of Keras: that of the layer, and of the array in it."""
Groups = dict[str, dict[str, Any]]
"""{name of a layer of theirs: {name in it: array}}"""


def layers_of(model: Layer, where: str) -> list[Layer]:
    """The layers that have weights, in order; raises SettingError for a kind that the others do not have."""
    found = [layer for layer in (model, *model.descendants()) if layer.parts()]
    for layer in found:
        if type(layer) not in TORCH:
            raise SettingError(
                where,
                f"{layer.said} is no layer that PyTorch and Keras have",
                f"there are {', '.join(kind.__name__ for kind in TORCH)}",
                "Set its Parameters yourself: layer.own['weights'].value = array",
            )
    return found


def items_of(layer: Layer, layouts: Layouts) -> list[Item]:
    """The arrays of theirs for a layer of ours."""
    return [item for item in layouts[type(layer)] if set(item.parts) <= set(layer.parts())]


def matched(
    model: Layer, weights: Weights, names: Mapping[str, str] | None, where: str = WHERE
) -> list[tuple[Layer, str, dict[str, Any]]]:
    """For each layer its name on the other side, and its arrays there, checked; raises DataError, ShapeError.

    ``where``: who asks, for the errors.
    """
    layouts = TORCH if weights.form == "torch" else KERAS
    layers, groups = layers_of(model, where), grouped(weights, where)
    if names is not None:
        chosen = by_name(layers, groups, names)
    elif weights.form == "torch":
        chosen = by_order(layers, groups, weights.in_order, where)
    else:
        chosen = by_kind(layers, groups)
    for layer, name in zip(layers, chosen, strict=True):
        check(layer, items_of(layer, layouts), name, groups[name], where)
    return [(layer, name, groups[name]) for layer, name in zip(layers, chosen, strict=True)]


def grouped(weights: Weights, where: str) -> Groups:
    """The arrays by layer."""
    groups: Groups = {}
    for name, array in weights.arrays.items():
        if isinstance(name, str) and NO_WEIGHTS.fullmatch(name):
            continue
        check_kind(f"{where}, {shown(name)}", array)
        if not isinstance(name, str) or not hasattr(array, "dtype") or not hasattr(array, "shape"):
            raise DataError(
                where,
                f"{shown(name)} holds {shown(array)}",
                "a state dictionary has an array by each name",
                "Give module.state_dict(), or what holds it in the file",
            )
        if weights.form == "keras":
            layer, rest = PART.fullmatch(name).groups()  # type: ignore[union-attr]  # any name fits
        else:
            layer, _, rest = name.rpartition(".")
            outer, _, last = layer.rpartition(".")
            if last == "out_proj" or layer == "out_proj":
                layer, rest = outer, f"out_proj.{rest}"
        groups.setdefault(layer, {})[rest] = array
    return groups


def by_order(layers: Sequence[Layer], groups: Groups, in_order: bool, where: str) -> list[str]:
    """The layers of PyTorch one after the other; raises DataError where the file does not tell their order."""
    names = list(groups) if in_order else sorted(groups, key=natural)
    if not in_order:
        check_order_is_told(groups)
    if len(names) != len(layers):
        raise DataError(
            where,
            f"there are {len(names)} layers with weights: {listed(names)}",
            f"the model has {len(layers)}: {listed([layer.name for layer in layers])}",
            "Load a model of the same layers, or say which belongs to which: names={'dense_1': 'fc'}",
        )
    return names


def natural(name: str) -> list[Any]:
    """Names in the order in which people count: 2 before 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def check_order_is_told(groups: Groups) -> None:
    """Raise DataError where two layers of one form have names that do not say which comes first."""
    seen: dict[Any, str] = {}
    for name, arrays in groups.items():
        form = tuple(sorted((n, tuple(a.shape)) for n, a in arrays.items()))
        known = seen.setdefault(form, name)
        if re.sub(r"\d+", "#", known) != re.sub(r"\d+", "#", name):
            raise DataError(
                WHERE,
                f"{known!r} and {name!r} have the same shapes",
                "a safetensors file does not keep the order of layers, and these names do not say it",
                "Say which belongs to which: names={'dense_1': 'fc'}; or load a .pt file",
            )


def by_kind(layers: Sequence[Layer], groups: Groups) -> list[str]:
    """The layers of Keras, which counts those of each kind; raises DataError where a kind has more or fewer."""
    inner = [name for name in groups if name.count("layers/") > 1 or not name.startswith("layers/")]
    if inner:
        raise DataError(
            WHERE,
            f"{inner[0]!r} lies in a model inside of the model",
            "layers are found by their kind and number, which start anew there",
            "Say which belongs to which: names={'dense_1': 'layers/sequential/layers/dense'}",
        )
    waiting: dict[str, list[str]] = {}
    for name in sorted(groups, key=natural):
        waiting.setdefault(re.sub(r"_\d+$", "", name.removeprefix("layers/")), []).append(name)
    chosen = []
    for layer in layers:
        kind = KERAS_NAMES[type(layer)]
        if not waiting.get(kind):
            raise DataError(
                WHERE,
                f"there is no {kind} for {layer.said}",
                f"there are {listed(list(groups))}",
                "Load a model of the same layers",
            )
        chosen.append(waiting[kind].pop(0))
    left = [name for names in waiting.values() for name in names]
    if left:
        raise DataError(
            WHERE, f"{listed(left)} belong to no layer", "each layer has its weights", "Load a model of the same layers"
        )
    return chosen


def by_name(layers: Sequence[Layer], groups: Groups, names: Mapping[str, str]) -> list[str]:
    """The layers as the user says; raises DataError where one is missing."""
    for layer in layers:
        if names.get(layer.name) not in groups:
            raise DataError(
                WHERE,
                f"names says {names.get(layer.name)!r} for {layer.said}",
                f"there are {listed(list(groups))}",
                "Give one for each layer that has weights",
            )
    return [names[layer.name] for layer in layers]


def listed(names: Sequence[str]) -> str:
    """Names, not too many of them."""
    return ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "") or "none"


def check(layer: Layer, items: Sequence[Item], name: str, arrays: Mapping[str, Any], where: str) -> None:
    """Raise DataError, ShapeError or DtypeError unless these arrays are those of the layer."""
    wanted = {item.name for item in items}
    if set(arrays) != wanted:
        missing, strange = sorted(wanted - set(arrays)), sorted(set(arrays) - wanted)
        what = f"{listed(missing)} is missing" if missing else f"{listed(strange)} belongs to no part of it"
        raise DataError(
            f"{where}, {name!r} for {layer.said}", what, f"it has {listed(sorted(wanted))}", "Check the layers"
        )
    for item in items:
        array = arrays[item.name]
        current = item.theirs(layer, [to_numpy(layer.own[part].value) for part in item.parts])[0]
        if tuple(array.shape) != current.shape:
            raise ShapeError(
                f"{where}, '{name}.{item.name}' for {layer.said}",
                f"its shape is {tuple(array.shape)}",
                f"it is {current.shape}",
                "Load the weights of a layer of the same size",
            )


def check_dtype(where: str, came: str, kept: str) -> None:
    """Raise DtypeError where numbers would be narrowed, or are none."""
    if came not in dtypes.FLOATS or dtypes.widest({came, kept}) != kept:
        raise DtypeError(
            where,
            f"it is {came}",
            f"it would be kept as {kept}, which does not hold it",
            f"Make the model in {came}" if came in dtypes.FLOATS else "Load floats",
        )
