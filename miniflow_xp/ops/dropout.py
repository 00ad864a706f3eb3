"""Dropout: the Mask to multiply by, and the Counter that gives every pass a mask of its own.

They are parts of the layer ``miniflow_xp.layers.Dropout``: x · mask.
"""

from typing import Any

from miniflow_xp.backend import Array, Backend, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import fraction, whole
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Input, Node, Operand
from miniflow_xp.ops.random_bits import Words, bits_of_rows, random_bits
from miniflow_xp.switch import get_backend
from miniflow_xp.system.locks import lock

PASSES = 2**31  # an int32 counts no further

_counting = lock()  # each pass of several threads has a number of its own


class Counter(Input):
    """The number of the pass, a 0-d int32 array: 1 in the first pass, and one more in each that follows.

    A Program or Trainer takes the next number whenever it runs and is not fed one. In the lesson's functions every pass
    begins by setting its leaves' values; the first ``forward`` after that counts. Backward reads the same number.
    Setting ``value`` to n lets the next pass be number n + 1: so a run that is taken up again sees the masks that it
    would have seen. ``number`` is the last pass's number as a Python integer.
    """

    outlives_graphs = True

    def __init__(self, name: str | None = "passes") -> None:
        self.number = 0
        self._begins = True
        self._held: tuple[Backend, Array] | None = None
        super().__init__(name, dtype="int32")

    @property
    def value(self) -> Array:
        """The number as an array of the backend in use."""
        backend = get_backend()
        with _counting:
            if self._held is None or self._held[0] is not backend:
                import numpy as np  # here, so that importing this package imports no array library

                self._held = backend, backend.asarray(np.asarray(self.number, dtype="int32"))
            return self._held[1]

    @value.setter
    def value(self, value: Any) -> None:
        number = 0 if value is None else whole(value, f"{self}, value", 0, PASSES - 1)
        with _counting:
            if number != self.number:
                self.number, self._held = number, None
            self._begins = True

    def advance(self) -> Array:
        """Go on to the next pass; returns its number as an array of the backend in use."""
        with _counting:
            self.value = self.number + 1
            return self.value

    def take_back(self, number: int) -> None:
        """Let the next pass have this number, which came to none, unless others have gone on since."""
        with _counting:
            if self.number == number:
                self.value = number - 1

    def __getstate__(self) -> tuple[Any, ...]:
        *before, state = super().__getstate__()
        return *before, {**state, "_held": None}  # an array of the backend here

    def forward(self) -> None:
        if self._begins:
            self.advance()
            self._begins = False


def placed(number: int, first: int, rows: int, total: int) -> Array:
    """What a counter is fed with where a pass has ``rows`` rows, from row ``first`` on, of a batch of ``total``."""
    import numpy as np

    return np.asarray(number if rows == total else [number, first, rows, total], dtype="int32")


class Mask(Node):
    """0 where an element of x is dropped, which happens with the chance ``rate``, and 1 / (1 - rate) elsewhere.

    ``counter``: a 0-d integer array, the number of the pass; each number has a mask of its own. Or what ``placed``
    gives, where x has some rows of a batch: the mask is then that part of the whole batch's. ``key``: two integers
    from 0 to 2³² - 1; each key has masks of its own. The result has the shape and dtype of x, whose values do not
    matter: there is no gradient. The size of x must be known, also that of its batch.

    Srivastava et al., "Dropout", JMLR 15 (2014), with the scale in training instead of prediction.
    """

    takes_numbers = False

    def __init__(self, x: Operand, counter: Node, rate: float, key: Words, name: str | None = None) -> None:
        super().__init__([x, counter], name)
        self.rate = fraction(rate, f"{self}, rate")
        self.key = key

    def check(self, x: Array, counter: Array) -> None:
        if shape_of(counter) not in ((), (4,)):
            raise ShapeError(
                str(self),
                f"the counter is {shape_of(counter)}",
                "it is one number, of shape ()",
                "Feed the number of the pass",
            )

    def compute(self, xp: Namespace, x: Array, counter: Array) -> Array:
        from array_api_compat import device  # here: importing this package stays quick

        bits_for = bits_of_rows if counter.shape else random_bits
        bits = bits_for(xp, self.key, xp.astype(counter, xp.int32, copy=False), shape_of(x), device(x))
        kept = bits >= int(self.rate * 2**32) - 2**31  # int32 from -2³¹ on, each as likely as the others
        return xp.astype(kept, x.dtype) * (1 / (1 - self.rate))

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array, counter: Array) -> tuple[None, None]:
        return None, None
