"""Reading the file that training left behind; nothing in it is believed."""

import zipfile
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.npy import array_name, attempt, load_member, members
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.data.texts import load_texts
from miniflow_xp.errors import DataError
from miniflow_xp.node import Elementwise, Parameter
from miniflow_xp.ops import ReLU, Sigmoid
from miniflow_xp.tabular.network import Network, network_of

ACTIVATIONS: dict[str, type[Elementwise]] = {"ReLU": ReLU, "Sigmoid": Sigmoid}
TEXTS = ("feature_names", "activation", "target_name", "task", "classes")
TASKS = ("classification", "regression")


class Model(NamedTuple):
    """A trained network, and what its inputs and outputs mean; ``target`` is None in classification."""

    path: str
    task: str
    feature_names: tuple[str, ...]
    target_name: str
    classes: tuple[str, ...]
    features: Scaling
    target: Scaling | None
    network: Network
    dtype: str


def load_model(path: Path) -> Model:
    """The model in a file that ``miniflow-xp train`` wrote. Raises DataError for any other."""
    file = File(str(path), attempt(path, read))
    task, activation = file.text("task"), file.text("activation")
    if task not in TASKS or activation not in ACTIVATIONS:
        file.refuse("activation", f"task {task[:80]!r} with activation {activation[:80]!r}", "it has others")
    names = file.texts("feature_names")
    first = file.parameters("hidden", len(names))
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
        target = file.scaling("target", 1, np.inf)
    return Model(
        str(path),
        task,
        names,
        file.text("target_name"),
        classes,
        file.scaling("feature", len(names), float(file.array("feature_limit", ()))),
        target,
        network_of(first, second, ACTIVATIONS[activation], task),
        dtype,
    )


def read(path: Path, file: IO[bytes]) -> dict[str, Array]:
    """The arrays of an open archive: texts under the names of TEXTS, and numbers."""
    with zipfile.ZipFile(file) as archive:
        return {
            array_name(name): (load_texts if array_name(name) in TEXTS else load_member)(path, archive, info)
            for name, info in members(path, file, archive).items()
        }


class File(NamedTuple):
    """The arrays of a file, each checked when it is taken out."""

    path: str
    arrays: dict[str, Array]

    def array(self, name: str, shape: tuple[int | None, ...]) -> Array:
        """Finite float numbers in this shape, of which None is any size above 0."""
        array = self.member(name)
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
        return Parameter(native(weights), f"{name} weights"), Parameter(native(biases), f"{name} biases")

    def scaling(self, name: str, count: int, limit: float) -> Scaling:
        """Mean and scale of so many columns; an infinite scale marks a constant one."""
        mean, scale = self.finite(f"{name}_mean", (count,)), self.array(f"{name}_scale", (count,))
        if not (scale > 0).all() or not limit > 0:
            self.refuse(f"{name}_scale", "it, or the limit, is not above 0", "columns are divided by it")
        return Scaling(mean.astype("float64"), scale.astype("float64"), limit)

    def texts(self, name: str) -> tuple[str, ...]:
        """Different texts, at least one."""
        array = self.member(name)
        found = tuple(array.tolist()) if array.ndim == 1 else ()
        if not found or len(set(found)) < len(found):
            self.refuse(name, f"{array.size} texts in shape {array.shape}", "it names each column or class differently")
        return found

    def text(self, name: str) -> str:
        """One text."""
        array = self.member(name)
        if array.shape != ():
            self.refuse(name, f"texts in shape {array.shape}", "it is one text")
        return str(array)

    def member(self, name: str) -> Array:
        """An array, which must be there."""
        if name not in self.arrays:
            raise DataError(
                self.path,
                f"it has no array {name!r}",
                "a model is a file that 'miniflow-xp train' wrote",
                "Name the file that training wrote: NAME-parameters.npz",
            )
        return self.arrays[name]

    def refuse(self, name: str, got: str, expected: str) -> NoReturn:
        """Raise DataError for an array."""
        raise DataError(f"{self.path}, array {name!r}", got, expected, "Train again")


def native(array: Array) -> Array:
    """In this machine's byte order, which array libraries want."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)
