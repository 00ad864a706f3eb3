"""What nodes share with arrays: a namespace, operators, an index, methods. Each call builds a node.

``a == b`` is none of them: it asks whether both are the same node, as sets and dictionaries of nodes do. Write
``xp.equal(a, b)``.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from miniflow_xp.errors import UnknownFormError


class Known:
    """An attribute that is worked out when it is read; a class of one's own may set another in its place."""

    def __init__(self, read: Callable[[Any], Any], doc: str) -> None:
        self.read = read
        self.__doc__ = doc

    def __get__(self, node: Any, kind: type) -> Any:
        return self if node is None else self.read(node)


def value_of(node: Any) -> Any:
    """The value that a pass has left; raises UnknownFormError."""
    if node.value is None:
        raise UnknownFormError(
            str(node),
            "its shape and dtype are not known yet",
            "they are those of its value, which a pass computes",
            "Ask after forward_pass, or write a function of arrays, as_node(lambda x: ...), which may ask",
        )
    return node.value


class Operators:
    """Arithmetic, comparisons, indexing and methods of nodes, as functions of their namespace."""

    namespace: ClassVar[Callable[[], Any]]
    """Gives the namespace of nodes: filled by miniflow_xp.ops.arithmetic."""

    __iter__ = None  # an index makes no sequence: a node does not know its length

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return self.functions()

    def functions(self) -> Any:
        """The namespace of nodes."""
        return type(self).namespace()

    shape = Known(lambda node: tuple(getattr(value_of(node), "shape", ())), "The shape of its value.")
    ndim = Known(lambda node: len(node.shape), "How many axes its value has.")
    dtype = Known(lambda node: value_of(node).dtype, "The dtype of its value; of a leaf, the one that was declared.")
    device = Known(lambda node: value_of(node).device, "Where its value lies.")
    T = Known(lambda node: node.functions().transpose(node), "Its axes in reverse order.")
    mT = Known(lambda node: node.functions().matrix_transpose(node), "Its last two axes in reverse order.")  # noqa: N815  the standard's name

    def __truediv__(self, other: Any) -> Any:
        return self.functions().divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.functions().divide(other, self)

    def __pow__(self, other: Any) -> Any:
        return self.functions().pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.functions().pow(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self.functions().floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self.functions().floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return self.functions().remainder(self, other)

    def __rmod__(self, other: Any) -> Any:
        return self.functions().remainder(other, self)

    def __abs__(self) -> Any:
        return self.functions().abs(self)

    def __pos__(self) -> Any:
        return self.functions().positive(self)

    def __lt__(self, other: Any) -> Any:
        return self.functions().less(self, other)

    def __le__(self, other: Any) -> Any:
        return self.functions().less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return self.functions().greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return self.functions().greater_equal(self, other)

    def __and__(self, other: Any) -> Any:
        return self.functions().bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return self.functions().bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return self.functions().bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return self.functions().bitwise_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return self.functions().bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return self.functions().bitwise_xor(other, self)

    def __invert__(self) -> Any:
        return self.functions().bitwise_invert(self)

    def __getitem__(self, key: Any) -> Any:
        return self.functions().getitem(self, key)

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape: ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``."""
        return self.functions().reshape(self, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)

    def sum(self, axis: Any = None, **keywords: Any) -> Any:
        """The sum along axes."""
        return self.functions().sum(self, axis=axis, **keywords)

    def mean(self, axis: Any = None, **keywords: Any) -> Any:
        """The mean along axes."""
        return self.functions().mean(self, axis=axis, **keywords)

    def prod(self, axis: Any = None, **keywords: Any) -> Any:
        """The product along axes."""
        return self.functions().prod(self, axis=axis, **keywords)

    def max(self, axis: Any = None, **keywords: Any) -> Any:
        """The maximum along axes."""
        return self.functions().max(self, axis=axis, **keywords)

    def min(self, axis: Any = None, **keywords: Any) -> Any:
        """The minimum along axes."""
        return self.functions().min(self, axis=axis, **keywords)

    def var(self, axis: Any = None, **keywords: Any) -> Any:
        """The variance along axes."""
        return self.functions().var(self, axis=axis, **keywords)

    def std(self, axis: Any = None, **keywords: Any) -> Any:
        """The standard deviation along axes."""
        return self.functions().std(self, axis=axis, **keywords)

    def astype(self, dtype: Any) -> Any:
        """In another dtype."""
        return self.functions().astype(self, dtype)

    def squeeze(self, axis: Any) -> Any:
        """Without axes of one element."""
        return self.functions().squeeze(self, axis=axis)
