"""Lookup: rows of a table."""

from math import prod

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import DtypeError, LabelError
from miniflow_xp.node import Node, Operand
from miniflow_xp.ops.labels import as_index


class Lookup(Node):
    """T[i]; T is (k, d), i (…) integers 0 … k-1, the result (…, d). Declare the integers: ``Input(dtype=int)``."""

    takes_numbers = False

    def __init__(self, table: Operand, indices: Operand, name: str | None = None) -> None:
        super().__init__([table, indices], name)

    def check(self, table: Array, indices: Array) -> None:
        if dtypes.name_of(indices) not in dtypes.INTEGERS:
            raise DtypeError(
                str(self),
                f"the indices are {dtypes.name_of(indices)}",
                "integers say which row is meant",
                "Declare their Input: Input(dtype=int)",
            )

    def check_values(self, xp: Namespace, table: Array, indices: Array) -> None:
        if not hasattr(indices, "dtype") or not prod(shape_of(indices)):
            return
        low, high, rows = int(xp.min(indices)), int(xp.max(indices)), shape_of(table)[0]
        if low < 0 or high >= rows:
            raise self.outside(f"the indices go from {low} to {high}", rows)

    def compute(self, xp: Namespace, table: Array, indices: Array) -> Array:
        try:
            rows = xp.take(table, xp.reshape(as_index(xp, indices), (-1,)), axis=0)
        except IndexError as error:  # while a step is recorded, before values are checked
            raise self.outside("an index is another", shape_of(table)[0]) from error
        return xp.reshape(rows, (*shape_of(indices), shape_of(table)[-1]))

    def outside(self, got: str, rows: int) -> LabelError:
        """The error for an index that no row has."""
        return LabelError(
            str(self),
            got,
            f"with {rows} rows they go from 0 to {rows - 1}",
            "Number what is embedded from 0, or make the table longer",
        )
