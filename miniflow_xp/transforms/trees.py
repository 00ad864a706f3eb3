"""Arguments and results as trees: arrays in dicts, lists, tuples, named tuples and dataclasses, however deep.

The order of a dict's leaves is that of its keys' insertion. ``None`` is a tree without leaves.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Build = Callable[[Iterator[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Build]:
    """The leaves of a tree, and what puts leaves into its form: ``build(iter(leaves))``."""
    children = children_of(tree)
    if children is None:
        return [tree], next
    parts = [flatten(child) for child in children]
    put = [build for _, build in parts]
    return [leaf for leaves, _ in parts for leaf in leaves], lambda leaves: in_form_of(tree, [b(leaves) for b in put])


def children_of(tree: Any) -> list[Any] | None:
    """What a container holds; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, Mapping):
        return list(tree.values())
    if isinstance(tree, (list, tuple)):
        return list(tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, field.name) for field in fields(tree)]
    return None


def in_form_of(tree: Any, children: list[Any]) -> Any:
    """A container like ``tree``, with other children."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        pairs = dict(zip(tree, children, strict=True))
        if type(tree) is dict:
            return pairs
        factory = getattr(tree, "default_factory", None)
        return type(tree)(factory, pairs) if factory is not None else type(tree)(pairs)  # type: ignore[call-arg]
    if isinstance(tree, (list, tuple)):
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    made = object.__new__(type(tree))
    for field, child in zip(fields(tree), children, strict=True):
        object.__setattr__(made, field.name, child)
    return made


def form_of(tree: Any) -> Any:
    """The form of a tree, as something to compare: equal for trees whose leaves take the same places."""
    children = children_of(tree)
    if children is None:
        return "*"
    if tree is None:
        return None
    names = tuple(tree) if isinstance(tree, Mapping) else ()
    return type(tree), names, tuple(map(form_of, children))


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """``function`` of the leaves that take the same places in all trees, in the form of the first."""
    leaves, build = flatten(tree)
    rest = [flatten(other)[0] for other in others]
    return build(iter([function(*each) for each in zip(leaves, *rest, strict=True)]))
