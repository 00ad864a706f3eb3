"""load_state_dict, state_dict: weights of PyTorch and Keras into our layers, and ours as theirs."""

import warnings
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import each, of_kind, shown, usable_path, whole
from miniflow_xp.dtypes import name_of, of_host
from miniflow_xp.errors import DataError, SettingError, ShapeError
from miniflow_xp.exchange.weights.files import Weights, read
from miniflow_xp.exchange.weights.layouts import KERAS, TORCH
from miniflow_xp.exchange.weights.matching import WHERE, check_dtype, items_of, layers_of, matched
from miniflow_xp.layers import BatchNorm, Conv1D, Conv2D, Dense, Flatten, Layer, LayerNorm, MaxPool
from miniflow_xp.switch import to_numpy
from miniflow_xp.system.callers import stacklevel
from miniflow_xp.system.packages import needed

KERAS_EPSILON = 1e-3


def load_state_dict(
    model: Layer,
    source: Mapping[str, Any] | str | Path,
    *,
    names: Mapping[str, str] | None = None,
    space: Sequence[int] | None = None,
) -> dict[str, str]:
    """Set the weights of a layer or a model to those of a model of PyTorch or Keras; gives {our layer: theirs}.

    ``source``: ``module.state_dict()``, or a file: ``.pt`` and ``.pth`` (of weights alone), ``.safetensors``, and
    ``.weights.h5`` and ``.keras`` of Keras 3. Layers are matched by their order (of Keras by kind and number), and all
    shapes are checked before anything changes. ``names``: {our layer: theirs} instead of the order. ``space``: sizes of
    the axes of space that Flatten sees, needed where Keras's model flattens channels that come last.
    Raises DataError, ShapeError, DtypeError.
    """
    of_kind(model, Layer, f"{WHERE}, model", "it is a layer or a model", "Give a Sequential")
    if names is not None:
        of_kind(names, Mapping, f"{WHERE}, names", "it is {our layer: theirs}", "Write names={'dense_1': 'fc'}")
    check_space(space, WHERE)
    if isinstance(source, Mapping):
        weights = Weights(source)
    else:
        weights = read(usable_path(source, f"{WHERE}, source", DataError))
    matches = matched(model, weights, names)
    layouts = TORCH if weights.form == "torch" else KERAS
    check_settings(matches, weights)
    orders = orders_of(model, space, WHERE) if weights.form == "keras" else {}
    found = []
    for layer, _, arrays in matches:
        for item in items_of(layer, layouts):
            array = arrays[item.name]
            check_dtype(f"{WHERE}, {item.name!r} for {layer.said}", name_of(array), layer.dtype)
            parts = item.ours(layer, [to_numpy(array)])
            found += [(layer, part, array) for part, array in zip(item.parts, parts, strict=True)]
    for layer, part, array in found:
        array = array[orders[layer]] if layer in orders and part == "weights" else array
        layer.own[part].value = np.array(array, dtype=of_host(layer.dtype), order="C")
    return {layer.name: name for layer, name, _ in matches}


def state_dict(
    model: Layer, like: Mapping[str, Any] | None = None, *, form: str = "torch", space: Sequence[int] | None = None
) -> dict[str, Any]:
    """The weights of a layer or a model as PyTorch has them, or Keras (``form="keras"``).

    ``like``: a ``module.state_dict()``; the result has its names and is made of tensors, for ``load_state_dict`` of the
    module. Without it the names are ``"dense_1.weight"``, and the arrays NumPy's. Keras takes
    ``model.set_weights(list(state.values()))``; ``space`` is that of ``load_state_dict``.
    """
    of_kind(model, Layer, "state_dict, model", "it is a layer or a model", "Give a Sequential")
    if not isinstance(form, str) or form not in ("torch", "keras"):
        raise SettingError("state_dict, form", f"it is {shown(form)}", "it is 'torch' or 'keras'", "Choose one")
    check_space(space, "state_dict")
    if like is not None:
        return as_in(of_kind(like, Mapping, "state_dict, like", "it is a state dictionary", "Leave it out"), model)
    layouts = TORCH if form == "torch" else KERAS
    orders = orders_of(model, space, "state_dict") if form == "keras" else {}
    found = {}
    for layer in layers_of(model, "state_dict"):
        for item in items_of(layer, layouts):
            parts = [to_numpy(layer.own[part].value) for part in item.parts]
            if layer in orders and item.parts == ("weights",):
                parts = [parts[0][np.argsort(orders[layer])]]
            found[f"{layer.name}.{item.name}"] = np.array(item.theirs(layer, parts)[0], order="C")
    return found


def check_space(space: Any, where: str) -> None:
    """Raise SettingError for what is no list of sizes."""
    if space is not None:
        rule, remedy = "it is a size for each axis of space", "Write space=(7, 7)"
        sizes = each(space, lambda size: True, f"{where}, space", rule, remedy)  # noqa: ARG005  looked at next
        if not sizes:
            raise SettingError(f"{where}, space", "it is empty", rule, remedy)
        for size in sizes:
            whole(size, f"{where}, space", 1)


def as_in(like: Mapping[str, Any], model: Layer) -> dict[str, Any]:
    """The weights under the names of a state dictionary of PyTorch, as tensors in its dtypes."""
    torch = needed("torch", "state_dict, like", "'miniflow_xp[torch]'")
    found = dict(like)
    for layer, name, arrays in matched(model, Weights(like), None, "state_dict, like"):
        for item in items_of(layer, TORCH):
            key = f"{name}.{item.name}" if name else item.name
            array = item.theirs(layer, [to_numpy(layer.own[part].value) for part in item.parts])[0]
            check_dtype(f"state_dict, {key!r}", layer.dtype, name_of(arrays[item.name]))
            found[key] = torch.tensor(np.array(array, order="C")).to(arrays[item.name].dtype)
    return found


def check_settings(matches: Sequence[tuple[Layer, str, Any]], weights: Weights) -> None:
    """Raise SettingError where a file says another epsilon than the layer has; warn where it says none."""
    for layer, name, _ in matches:
        if weights.form != "keras" or not isinstance(layer, BatchNorm | LayerNorm):
            continue
        told = weights.settings.get(name, {}).get("epsilon")
        if told is None and layer.epsilon != KERAS_EPSILON:
            warnings.warn(
                f"{layer.said} has epsilon {layer.epsilon}; the file does not say its own, and that of Keras is "
                f"{KERAS_EPSILON} where nothing else was asked for",
                stacklevel=stacklevel(),
            )
        if told is not None and told != layer.epsilon:
            raise SettingError(
                f"{WHERE}, {name!r} for {layer.said}",
                f"its epsilon is {told}",
                f"that of the layer is {layer.epsilon}",
                f"Make the layer with epsilon={told}",
            )


def orders_of(model: Layer, space: Sequence[int] | None, where: str) -> dict[Layer, Array]:
    """{Dense: the order of its rows}, where Keras flattens channels that come last and we such that come first."""
    found: dict[Layer, Array] = {}
    layers = model.descendants()
    for n, layer in enumerate(layers):
        in_space = any(isinstance(before, Conv1D | Conv2D | MaxPool) for before in layers[:n])
        after = next((later for later in layers[n:] if later.parts()), None)
        if isinstance(layer, Flatten) and in_space and isinstance(after, Dense):
            found[after] = order_of(after, space, where)
    return found


def order_of(layer: Dense, space: Sequence[int] | None, where: str) -> Array:
    """Where the rows of a Dense layer lie in that of Keras."""
    if space is None or prod(space) < 1 or layer.inputs % prod(space):
        raise ShapeError(
            f"{where}, {layer.said}",
            f"its inputs are flattened space and channels, and space is {space}",
            f"there are {layer.inputs} of them; Keras has the channels last, and we have them first",
            "Say the sizes of the axes of space that Flatten sees: space=(7, 7)",
        )
    numbers = np.arange(layer.inputs).reshape(*space, -1)
    return np.moveaxis(numbers, -1, 0).reshape(-1)
