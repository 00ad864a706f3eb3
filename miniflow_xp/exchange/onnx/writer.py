"""Nodes of an ONNX graph, written one after the other."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from miniflow_xp.exchange.onnx.merging import Fixed, Step
from miniflow_xp.exchange.onnx.sizes import Counted, Filled, Number, Proportional, Size

Axis: TypeAlias = int | Sequence[int] | None
END, FRONT = 2**63 - 1, -(2**63) + 1  # for a slice: behind the last element, and before the first


class Writer:
    """Collects nodes and constants; ``batch``: name and axis of the input that says how large the batch is.

    Tensors are known by name.
    """

    def __init__(self, onnx: Any, batch: str | None) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._batch = batch
        self._constants: dict[Any, str] = {}
        self._written: dict[Any, str] = {}

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Write a node of one result; gives its name. The same node is written once."""
        key = (kind, inputs, repr(sorted(attributes.items())))
        if key not in self._written:
            self._written[key] = self.nodes_of(kind, *inputs, count=1, **attributes)[0]
        return self._written[key]

    def nodes_of(self, kind: str, *inputs: str, count: int, **attributes: Any) -> list[str]:
        """Write a node of several results; gives their names."""
        names = [f"/{kind}_{len(self.nodes)}{f'_{n}' if count > 1 else ''}" for n in range(count)]  # no user's has a /
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, array: Any, dtype: Any = None) -> str:
        """An array that is the same in every run."""
        array = np.asarray(array, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.initializer(f"/constant_{len(self._constants)}", array)
        return self._constants[key]

    def initializer(self, name: str, array: Any) -> str:
        """An array under a name of its own."""
        self.initializers.append(
            self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        )
        return name

    def integers(self, *numbers: int) -> str:
        """Whole numbers as a tensor of one axis."""
        return self.constant(np.asarray(numbers, dtype="int64"))

    def sizes(self, sizes: Sequence[Number]) -> str:
        """Numbers that may depend on the batch, as a tensor of one axis."""
        if not any(isinstance(s, Size) for s in sizes):
            return self.integers(*[int(s) for s in sizes])  # type: ignore[arg-type]
        parts = [self.size(s) if isinstance(s, Size) else self.integers(s) for s in sizes]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def size(self, size: Size) -> str:
        """A number that depends on the batch, as a tensor of shape (1,)."""
        found = self.node("Shape", str(self._batch), start=0, end=1)
        if size.times != 1:
            found = self.node("Mul", found, self.integers(size.times))
        return self.node("Add", found, self.integers(size.plus)) if size.plus else found

    def scalar(self, tensor: str) -> str:
        """A tensor of shape (1,) without its axis."""
        return self.node("Reshape", tensor, self.integers())

    def cast(self, tensor: str, dtype: Any) -> str:
        """A tensor in another dtype."""
        return self.node("Cast", tensor, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def is_infinite(self, tensor: str, dtype: Any) -> str:
        """Which elements are infinite? In opset 18 that is not asked of float16, which float32 holds."""
        return self.node("IsInf", self.cast(tensor, "float32") if np.dtype(dtype) == "float16" else tensor)

    def array(self, item: Any, dtype: Any = None) -> str:
        """An input of an equation as a tensor, in ``dtype`` where one is asked for."""
        if isinstance(item, Step):
            return item.name if dtype is None or item.dtype == dtype else self.cast(item.name, dtype)
        if isinstance(item, Size):
            item = Fixed(Proportional(item.times, item.plus, False, np.dtype("int64")))
        content = item.content if isinstance(item, Fixed) else item
        if isinstance(content, Filled):
            number = np.asarray(content.number, dtype=dtype)
            return self.node("Expand", self.constant(number), self.sizes(content.shape))
        if isinstance(content, Counted):
            start, step = (self.constant(number, "int64") for number in (content.start, content.step))
            length = self.scalar(self.sizes([content.number]))
            stop = self.node("Add", start, self.node("Mul", length, step))
            return self.cast(self.node("Range", start, stop, step), dtype or content.start.dtype)
        if isinstance(content, Proportional):
            return self.cast(self.proportional(content), dtype or content.dtype)
        return self.constant(content, dtype)

    def proportional(self, content: Proportional) -> str:
        """A number of float64 that depends on the batch."""
        batch = self.cast(self.scalar(self.size(Size(1, 0))), "float64")
        found = self.node("Mul", batch, self.constant(np.float64(content.times)))
        if content.plus:
            found = self.node("Add", found, self.constant(np.float64(content.plus)))
        return self.node("Reciprocal", found) if content.is_reciprocal else found


def dtype_of(item: Any) -> Any:
    """The dtype of an input of an equation; a Python number, which takes that of what it meets, as it is."""
    if isinstance(item, Step):
        return item.dtype
    content = item.content if isinstance(item, Fixed) else item
    if isinstance(content, Filled):
        return content.number.dtype
    if isinstance(content, Counted):
        return content.start.dtype
    return content if isinstance(content, (bool, int, float)) else content.dtype


def common(*items: Any) -> Any:
    """The dtype in which arrays and numbers meet."""
    return np.result_type(*map(dtype_of, items))


def shape_of(item: Any) -> tuple[Number, ...]:
    """The shape of an input of an equation."""
    if isinstance(item, Step):
        return item.shape
    content = item.content if isinstance(item, Fixed) else item
    if isinstance(content, Filled):
        return content.shape
    if isinstance(content, Counted):
        return (content.number,)
    return () if isinstance(content, Proportional) else np.shape(content)


def axes_of(axis: Axis, ndim: int) -> list[int]:
    """Axes, counted from the front; all where none is named."""
    given = range(ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    return [n % ndim for n in given]
