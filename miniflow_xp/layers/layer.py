"""Layer: what owns Parameters and builds nodes."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.checks import each, of_kind
from miniflow_xp.errors import GraphError, SettingError, ShapeError
from miniflow_xp.layers.initialisers import Initialiser, Shape
from miniflow_xp.layers.names import free_name, lone_name
from miniflow_xp.layers.seeds import Seed
from miniflow_xp.node import Input, Node, Parameter, next_serial
from miniflow_xp.ops.dropout import Counter

DTYPE = "float32"  # of Parameters where no dtype is asked for


def is_layer(thing: object) -> bool:
    """Is this a layer?"""
    return isinstance(thing, Layer)


class Part(NamedTuple):
    """A Parameter to be: its shape, and what it starts with; ``kind``: Running where no gradient moves it."""

    shape: Shape
    initialiser: Initialiser
    kind: type[Parameter] = Parameter


class Layer:
    """Owns Parameters, and builds nodes when called on a node; called twice, both nodes share the Parameters.

    ``layer(x)`` builds for training, ``layer(x, training=False)`` for prediction. ``name``: without one, the model that
    it is part of numbers its layers, as ``dense_1``. ``children``: the layers that it is made of. ``seed``: without
    one, values come from the seed of the model and the place in it; what is no part of a model and has no seed draws
    other values than what was made before it. ``dtype``: of the Parameters; without one the model's, or float32.
    Values are drawn when they are first needed, on the host.

    A kind of layer overrides ``build``, ``parts`` where it has Parameters of its own, and ``width`` where it changes
    the size of the last axis.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        children: "Sequence[Layer]" = (),
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        if name is not None:
            of_kind(name, str, f"{self.kind}, name", "a name is text", "Write name='hidden'")
        self.chosen_name, self.given_name = name, ""  # by the user, by a model
        self.children = each(
            children, is_layer, f"{self.kind}, children", "they are the layers that it is made of", "List layers"
        )
        self._dtype = None if dtype is None else dtypes.parse(dtype, f"{self.kind}, dtype", floats_only=True)
        self._seed, self._is_seeded = Seed.of(seed, self.kind), seed is not None
        self._owner: Layer | None = None
        self._counter: Counter | None = None
        self._drawn: dict[str, Parameter] | None = None
        for child in self.children:
            child._owner = child._owner or self  # noqa: SLF001  one layer to another
        name_all(self.descendants())

    # -- what a kind of layer says

    def build(self, x: Node, training: bool) -> Node:
        """The node of this layer on ``x``."""
        raise NotImplementedError(f"{self.kind} has no build: define it")

    def parts(self) -> Mapping[str, Part]:
        """{name: Part} of its own Parameters."""
        return {}

    def width(self, incoming: int | None) -> int | None:
        """Size of the result's last axis, from that of x; None where it is not known. Raises ShapeError."""
        return incoming

    @property
    def kind(self) -> str:
        """What it is, for people and for its automatic name."""
        return type(self).__name__

    # -- what all layers do

    def __call__(self, x: Node, training: bool = True) -> Node:
        """The node of this layer on the node ``x``, for training or for prediction."""
        if not isinstance(x, Node):
            raise GraphError(
                self.said,
                f"it is called on a {type(x).__name__}",
                "a layer is called on a node, and arrays are fed when the graph runs",
                "Make an Input, call the layer on it, and feed it the array",
            )
        return self.marked(lambda: self.build(x, training))

    def marked(self, build: Callable[[], Node]) -> Node:
        """What ``build`` gives; the nodes that it makes know that they are part of this layer."""
        since = next_serial()
        result = build()
        mark = since, self.chosen_name or self.given_name or self.kind, self.kind
        todo, met = [result], {result}
        while todo:
            node = todo.pop()
            if node.serial > since and not isinstance(node, Input):
                node.part_of = (mark, *node.part_of)
                new = [inbound for inbound in node.inbound_nodes if inbound not in met]
                met.update(new)
                todo += new
        return result

    @property
    def parameters(self) -> list[Parameter]:
        """Its Parameters and those of the layers in it, each once."""
        return [parameter for layer in (self, *self.descendants()) for parameter in layer.own.values()]

    @property
    def own(self) -> dict[str, Parameter]:
        """{name of a part: Parameter}, without those of the layers in it."""
        if self._drawn is None:
            rng = self.source().generator()
            self._drawn = {name: self._draw(name, part, rng) for name, part in self.parts().items()}
        return self._drawn

    @property
    def count(self) -> int:
        """How many numbers of its Parameters are trained."""
        parts = [part for layer in (self, *self.descendants()) for part in layer.parts().values()]
        return sum(prod(part.shape) for part in parts if part.kind is Parameter)

    @property
    def name(self) -> str:
        """Its name, which may be set; those of its Parameters begin with it."""
        if not self.chosen_name and not self.given_name:
            self.given_name = lone_name(self.kind)
        return self.chosen_name or self.given_name

    @name.setter
    def name(self, name: str) -> None:
        self.chosen_name = name
        self.name_parameters()

    @property
    def dtype(self) -> str:
        """Dtype of its Parameters."""
        return self._dtype or (self._owner.dtype if self._owner else DTYPE)

    @property
    def counter(self) -> Counter:
        """The number of the pass, on which the masks of the whole model depend; its ``value`` may be set."""
        if self._owner is not None:
            return self._owner.counter
        self._counter = self._counter or Counter()
        return self._counter

    def descendants(self) -> "list[Layer]":
        """All layers in it, each once."""
        found = {layer: None for child in self.children for layer in (child, *child.descendants())}
        return list(found)

    def source(self) -> Seed:
        """Where its random numbers come from."""
        if self._owner is None or self._is_seeded:
            return self._seed
        return self._owner.source().at(self._owner.children.index(self))

    def name_parameters(self) -> None:
        """Let the names of its own Parameters begin with its name."""
        for name, parameter in (self._drawn or {}).items():
            parameter.name = f"{self.name} {name}"

    def _draw(self, name: str, part: Part, rng: np.random.Generator) -> Parameter:
        values = np.asarray(part.initialiser(rng, part.shape), dtype="float64")
        if values.shape != part.shape:
            raise ShapeError(
                f"{self.said}, {name}",
                f"its initialiser gave an array of shape {values.shape}",
                f"it is {part.shape}",
                "Let the initialiser return an array of the shape that it is given",
            )
        if self.dtype == "bfloat16":  # which NumPy has not: the backend converts it
            return part.kind(values.astype("float32"), f"{self.name} {name}", dtype="bfloat16")
        return part.kind(values.astype(self.dtype), f"{self.name} {name}")

    def misfit(self, incoming: int | None, taken: int | None, remedy: str) -> ShapeError:
        """The error for another size of the last axis than the layer takes."""
        return ShapeError(self.said, f"{incoming} numbers come in for each example", f"it takes {taken}", remedy)

    @property
    def said(self) -> str:
        """Kind and name, for errors."""
        return f"{self.kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self.said}>"


def name_all(layers: Sequence[Layer]) -> None:
    """Give a name to each that has none, or one that another has; raises SettingError where users chose one twice."""
    taken: set[str] = set()
    for layer in layers:
        if layer.chosen_name in taken:
            raise SettingError(
                layer.said, "another layer of the model has the same name", "each has its own", "Choose another name"
            )
        taken |= {layer.chosen_name} if layer.chosen_name else set()
    for layer in layers:
        if layer.chosen_name:
            continue
        if not layer.given_name or layer.given_name in taken:
            layer.given_name = free_name(layer.kind, taken)
            layer.name_parameters()
        taken.add(layer.given_name)
