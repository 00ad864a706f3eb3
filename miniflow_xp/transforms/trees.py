"""Arguments and results as trees: arrays in dicts, lists, tuples, named tuples and dataclasses, however deep.

The order of a dict's leaves is that of its keys' insertion. ``None`` is a tree without leaves.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Build = Callable[[Iterator[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Build]:
    """The leaves of a tree, and what puts leaves into its form: ``build(iter(leaves))``."""
    kind: Any = type(tree)
    found = OPENERS[kind]
    if found is None:
        return [tree], next
    parts = [flatten(child) for child in found[0](tree)]
    put = [build for _, build in parts]
    return [leaf for leaves, _ in parts for leaf in leaves], lambda leaves: in_form_of(tree, [b(leaves) for b in put])


def children_of(tree: Any) -> list[Any] | None:
    """What a container holds; None for a leaf."""
    kind: Any = type(tree)
    found = OPENERS[kind]
    return None if found is None else list(found[0](tree))


def opener(kind: type) -> Callable[[Any], Any] | None:
    """What gives the children of a container of this class; None for the class of a leaf."""
    if kind is type(None):
        return lambda _: ()
    if issubclass(kind, Mapping):
        return kind.values
    if issubclass(kind, (list, tuple)):
        return iter
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
        return lambda tree: [getattr(tree, name) for name in names]
    return None


class Openers(dict[type, tuple[Callable[[Any], Any], bool] | None]):
    """{class: its ``opener``, and whether its containers have names for their children}; None for that of a leaf.

    A class is entered when it is first met: this is looked at for each leaf of each call.
    """

    def __missing__(self, kind: type) -> tuple[Callable[[Any], Any], bool] | None:
        opened = opener(kind)
        found = self[kind] = None if opened is None else (opened, issubclass(kind, Mapping))
        return found


OPENERS = Openers()


def in_form_of(tree: Any, children: list[Any]) -> Any:
    """A container like ``tree``, with other children."""
    kind = type(tree)
    if kind is tuple or kind is list:
        return kind(children)
    if kind is dict:
        return dict(zip(tree, children, strict=True))
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        pairs = dict(zip(tree, children, strict=True))
        factory = getattr(tree, "default_factory", None)
        return type(tree)(factory, pairs) if factory is not None else type(tree)(pairs)  # type: ignore[call-arg]
    if isinstance(tree, (list, tuple)):
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    made = object.__new__(type(tree))
    for field, child in zip(fields(tree), children, strict=True):
        object.__setattr__(made, field.name, child)
    return made


def form_of(tree: Any) -> Hashable:
    """The form of a tree, as something to compare: equal for trees whose leaves take the same places."""
    return form_and_leaves(tree, [])


def form_and_leaves(tree: Any, leaves: list[Any]) -> Hashable:
    """The form of a tree, whose leaves are added to a list."""
    return forms_and_leaves((tree,), leaves)[0]


def forms_and_leaves(trees: Iterable[Any], leaves: list[Any]) -> tuple[Hashable, ...]:
    """The form of each tree, None for one that is a leaf; the leaves are added to a list."""
    forms: list[Hashable] = []
    for tree in trees:
        kind: Any = type(tree)
        found = OPENERS[kind]
        if found is None:
            leaves.append(tree)
            forms.append(None)
        else:
            opened, has_keys = found
            inside = forms_and_leaves(opened(tree), leaves)
            forms.append((kind, tuple(tree), inside) if has_keys else (kind, inside))
    return tuple(forms)


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """``function`` of the leaves that take the same places in all trees, in the form of the first."""
    kind: Any = type(tree)
    if not others and OPENERS[kind] is None:
        return function(tree)
    leaves, build = flatten(tree)
    rest = [flatten(other)[0] for other in others]
    return build(iter([function(*each) for each in zip(leaves, *rest, strict=True)]))
