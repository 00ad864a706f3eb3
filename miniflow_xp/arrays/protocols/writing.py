"""NumPy's functions that write into an array: into a traced one, which stands for a new one from then on."""

from math import prod
from typing import Any

from miniflow_xp.arrays.methods import plain_key
from miniflow_xp.arrays.protocols.arguments import as_array
from miniflow_xp.arrays.protocols.selecting import places
from miniflow_xp.arrays.protocols.shapes import repeated
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.arrays.refusals import no_out
from miniflow_xp.arrays.traced import Traced


def writeable(name: str, array: Any) -> Any:
    """The array, if a gradient can go through what is written into it."""
    if type(array) is not Traced:
        raise no_out(f"np.{name}")
    return array


@numpy("copyto")
def copyto(xp: Any, dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    x = writeable("copyto", dst)
    x[...] = as_array(xp, src) if where is True else xp.where(as_array(xp, where), as_array(xp, src), x)


@numpy("putmask")
def putmask(xp: Any, a: Any, /, mask: Any, values: Any) -> None:
    """The elements where the mask holds, by those of the same places; by values over and over, if they are fewer."""
    x = writeable("putmask", a)
    whole = xp.reshape(repeated(xp, values, prod(x.shape)), tuple(x.shape))
    x[...] = xp.where(as_array(xp, mask), whole, x)


@numpy("place")
def place(xp: Any, arr: Any, mask: Any, vals: Any) -> None:
    """The elements where the mask holds, by one value after the other."""
    x = writeable("place", arr)
    held = xp.flatnonzero(mask)
    put(xp, x, held, vals)


@numpy("put")
def put(xp: Any, a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    x = writeable("put", a)
    flat = xp.asarray(xp.ravel(x), copy=True)
    where = xp.ravel(plain_key(xp, ind))
    flat[places(xp, where, flat.shape[0], mode)] = repeated(xp, v, where.shape[0])
    x[...] = xp.reshape(flat, tuple(x.shape))


@numpy("put_along_axis")
def put_along_axis(xp: Any, arr: Any, indices: Any, values: Any, axis: Any) -> None:
    x = writeable("put_along_axis", arr)
    xp.put_along_axis(x, as_array(xp, indices), values, axis=axis)


@numpy("fill_diagonal")
def fill_diagonal(xp: Any, a: Any, val: Any, wrap: bool = False) -> None:
    x = writeable("fill_diagonal", a)
    size = min(x.shape)
    line = xp.arange(size)
    value = as_array(xp, val)
    x[(line,) * len(x.shape)] = repeated(xp, value, size) if value.shape else value
