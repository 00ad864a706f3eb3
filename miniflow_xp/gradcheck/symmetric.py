"""Symmetric matrices in a check of gradients: which elements move together, and whether a value is one."""

from miniflow_xp.backend import Array
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Node

Place = tuple[int, ...]


def moving_together(place: Place, symmetric: bool) -> list[Place]:
    """The elements that move with this one: in a symmetric matrix also its mirror image, (…, j, i) of (…, i, j)."""
    mirrored = (*place[:-2], *place[:-3:-1]) if symmetric else place
    return list(dict.fromkeys([place, mirrored]))


def check_symmetric(node: Node, host: Array) -> None:
    """Raise ShapeError where the value of a node, on the host, is not symmetric but for rounding."""
    import numpy as np  # here, so that importing this package imports no array library

    shape = host.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise no_symmetric_matrix(node, f"its value is {shape}")
    difference = abs(host - np.matrix_transpose(host))
    if difference.max() > 1e-8 * abs(host).max():
        place = tuple(int(n) for n in np.unravel_index(difference.argmax(), shape))
        one, other = moving_together(place, symmetric=True)
        raise no_symmetric_matrix(node, f"its value at {list(one)} is not that at {list(other)}")


def no_symmetric_matrix(node: Node, got: str) -> ShapeError:
    """The error for a value that is none."""
    return ShapeError(
        str(node),
        got,
        "it is declared symmetric: its last two axes are a matrix that is its own transpose",
        "Feed (A + Aᵀ) / 2, or leave it out of symmetric",
    )
