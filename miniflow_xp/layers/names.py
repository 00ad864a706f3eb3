"""Automatic names: ``dense_1``, ``dense_2``, …, numbered by kind, each name once in a model."""

from collections import Counter as Tally
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from miniflow_xp.errors import SettingError

if TYPE_CHECKING:
    from miniflow_xp.layers.layer import Layer

_lone: Tally[str] = Tally()


def lone_name(kind: str) -> str:
    """A name for a layer that is no part of a model: numbered in this process."""
    _lone[kind] += 1
    return f"{kind.lower()}_{_lone[kind]}"


def name_all(layers: "Iterable[Layer]") -> None:
    """Give a name to each that has none, or one that another has; raises SettingError where users chose one twice."""
    layers = list(layers)
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
            names = (f"{layer.kind.lower()}_{n}" for n in count(1))
            layer.given_name = next(name for name in names if name not in taken)
            layer.name_parameters()
        taken.add(layer.given_name)
