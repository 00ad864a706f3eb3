"""Reading the file that training left behind; nothing in it is believed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints import earlier
from miniflow_xp.checkpoints.file import read as read_checkpoint
from miniflow_xp.checkpoints.file import size_of
from miniflow_xp.data.encoding import Column, width
from miniflow_xp.data.npy import ARCHIVE
from miniflow_xp.data.ordinary import opened
from miniflow_xp.data.room import check_room
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.errors import DataError
from miniflow_xp.node import Elementwise, Parameter
from miniflow_xp.ops import ReLU, Sigmoid
from miniflow_xp.programs.network import Network, multilayer

ACTIVATIONS: dict[str, type[Elementwise]] = {"ReLU": ReLU, "Sigmoid": Sigmoid}
TASKS = ("classification", "regression")


class Model(NamedTuple):
    """A trained network, and what its inputs and outputs mean; ``target`` is None in classification."""

    path: str
    task: str
    columns: tuple[Column, ...]
    target_name: str
    classes: tuple[str, ...]
    features: Scaling
    target: Scaling | None
    network: Network
    dtype: str


def load_model(path: Path) -> Model:
    """The model in a file that ``miniflow-xp train`` wrote. Raises DataError for any other."""
    with opened(path, "a model is read") as stream:
        file = read(path, stream)
    task, activation = file.text("task"), file.text("activation")
    if task not in TASKS or activation not in ACTIVATIONS:
        file.refuse("activation", f"task {task[:80]!r} with activation {activation[:80]!r}", "it has others")
    columns = file.columns()
    first = file.parameters("hidden", width(columns))
    hidden = first[0].value.shape[1]
    second = file.parameters("output", hidden)
    outputs, dtype = second[0].value.shape[1], first[0].value.dtype.name
    if second[0].value.dtype.name != dtype:
        file.refuse("output_weights", f"it is {second[0].value.dtype.name}", f"hidden_weights is {dtype}")
    classes: tuple[str, ...] = ()
    target = None
    if task == "classification":
        classes = file.texts("classes")
        if len(classes) != outputs or outputs < 2:
            file.refuse("classes", f"there are {len(classes)}", f"the network has {outputs} outputs")
    else:
        if outputs != 1:
            file.refuse("output_weights", f"the network has {outputs} outputs", "a regression has 1")
        target = file.scaling("target", np.zeros(1, bool), np.inf)
    return Model(
        str(path),
        task,
        columns,
        file.text("target_name"),
        classes,
        file.scaling(
            "feature", file.flags("feature_constant", width(columns)), float(file.finite("feature_limit", ()))
        ),
        target,
        multilayer((first, second), ACTIVATIONS[activation], task),
        dtype,
    )


def read(path: Path, file: IO[bytes]) -> "Contents":
    """The numbers and texts of an open file, a checkpoint or an archive of an earlier version."""
    start = file.read(4)
    file.seek(0)
    try:
        if start in ARCHIVE:
            found = earlier.read(path, file)
        else:
            check_room(str(path), path, size_of(file))
            found = read_checkpoint(file)
        json.dumps(found.meta, ensure_ascii=False).encode()  # an escape may say half of a pair, which is no character
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            str(path),
            str(error)[:200],
            "a model is a file that 'miniflow-xp train' wrote, unchanged",
            "Check the file's name, or train again",
        ) from None
    return Contents(str(path), found.arrays, found.meta)


class Contents(NamedTuple):
    """The arrays and texts of a file, each checked when it is taken out."""

    path: str
    arrays: dict[str, Array]
    said: dict[str, Any]

    def array(self, name: str, shape: tuple[int | None, ...]) -> Array:
        """Finite float numbers in this shape, of which None is any size above 0."""
        array = self.taken(self.arrays, name)
        fits = array.ndim == len(shape) and all(
            n == wanted or (wanted is None and n) for n, wanted in zip(array.shape, shape, strict=True)
        )
        if array.dtype.kind != "f" or not fits:
            wanted = f"({', '.join('…' if n is None else str(n) for n in shape)})"
            self.refuse(name, f"it is {array.dtype.name} in shape {array.shape}", f"it is float in shape {wanted}")
        if np.isnan(array).any():
            self.refuse(name, "it holds nan", "it holds numbers")
        return array

    def finite(self, name: str, shape: tuple[int | None, ...]) -> Array:
        """The same, without infinity."""
        array = self.array(name, shape)
        if not np.isfinite(array).all():
            self.refuse(name, "it holds infinity", "it holds finite numbers")
        return array

    def parameters(self, name: str, inputs: int) -> tuple[Parameter, Parameter]:
        """Weights and biases of a layer."""
        weights = self.finite(f"{name}_weights", (inputs, None))
        biases = self.finite(f"{name}_biases", (weights.shape[1],))
        if biases.dtype != weights.dtype:
            self.refuse(f"{name}_biases", f"it is {biases.dtype.name}", f"the weights are {weights.dtype.name}")
        return Parameter(weights, f"{name} weights"), Parameter(biases, f"{name} biases")

    def scaling(self, name: str, constant: Array, limit: float) -> Scaling:
        """Mean and scale of as many columns as there are flags; those that are ``constant`` have an infinite scale."""
        mean, scale = self.finite(f"{name}_mean", constant.shape), self.array(f"{name}_scale", constant.shape)
        if not (scale > 0).all() or not limit > 0:
            self.refuse(f"{name}_scale", "it, or the limit, is not above 0", "columns are divided by it")
        if not np.array_equal(np.isinf(scale), constant):
            self.refuse(f"{name}_scale", "infinity is at other places", "it is the scale of each constant column")
        return Scaling(mean.astype("float64"), scale.astype("float64"), limit)

    def flags(self, name: str, count: int) -> Array:
        """So many booleans."""
        array = self.taken(self.arrays, name)
        if array.dtype.kind != "b" or array.shape != (count,):
            self.refuse(name, f"it is {array.dtype.name} in shape {array.shape}", f"it is bool in shape ({count},)")
        return array

    def texts(self, name: str) -> tuple[str, ...]:
        """Different texts, at least one."""
        found = self.taken(self.said, name)
        if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
            self.refuse(name, f"it is {str(found)[:80]}", "it is a list of texts")
        if len(set(found)) < len(found):
            self.refuse(name, f"{len(found)} texts of which some are the same", "each column or class has its own name")
        return tuple(found)

    def columns(self) -> tuple[Column, ...]:
        """The columns of the table; those that are not described hold plain numbers."""
        names, said = self.texts("feature_names"), self.said.get("encoded", {})
        if not isinstance(said, dict) or set(said) - set(names):
            self.refuse("encoded", f"it is {str(said)[:80]}", "it describes some of the columns")
        found = {name: column_of(name, description) for name, description in said.items()}
        for name, column in found.items():
            if column is None:
                got = f"column {name[:80]!r} is {str(said[name])[:80]}"
                self.refuse("encoded", got, "it has categories, or gaps and a median")
        return tuple(found.get(name) or Column(name) for name in names)

    def text(self, name: str) -> str:
        """One text."""
        found = self.taken(self.said, name)
        if not isinstance(found, str):
            self.refuse(name, f"it is {str(found)[:80]}", "it is one text")
        return found

    def taken(self, kept: Mapping[str, Any], name: str) -> Any:
        """An array, or what the file says, which must be there."""
        if name not in kept:
            raise DataError(
                self.path,
                f"it has no {name!r}",
                "a model is a file that 'miniflow-xp train' wrote",
                "Name the file that training wrote: NAME-parameters.safetensors",
            )
        return kept[name]

    def refuse(self, name: str, got: str, expected: str) -> NoReturn:
        """Raise DataError for an array."""
        raise DataError(f"{self.path}, array {name!r}", got, expected, "Train again")


def column_of(name: str, said: Any) -> Column | None:
    """A column as it is described; None where that is no description."""
    if not isinstance(said, dict) or type(said.get("gaps")) is not bool:
        return None
    texts, median = said.get("categories"), said.get("median")
    if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts) and median is None:
        return Column(name, tuple(texts), said["gaps"]) if len(set(texts)) == len(texts) else None
    return Column(name, (), True, median) if type(median) is float and texts is None and said["gaps"] else None
