"""Random bits that are the same on every array library: a counter goes in, bits come out, and nothing is remembered.

Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
section 3.2. A block of two counter words becomes a block of two random ones, under a key of two words. The words are
32 bits of an int32, because not every library calculates with uint32: sums wrap around alike, and a right shift, which
brings copies of the sign in from the left, is followed by a mask.
"""

from math import prod
from typing import Any, TypeAlias

from miniflow_xp.backend import Array, Namespace

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)  # table 2, N = 2, W = 32
ROUNDS = 20
PARITY = 0x1BD11BDA  # the key's third word is the parity of the others and of this

Words: TypeAlias = tuple[int, int]
"""A key: two integers from 0 to 2³² - 1."""


def random_bits(xp: Namespace, key: Words, number: Array, shape: tuple[int, ...], device: Any) -> Array:
    """int32 array of ``shape``, each bit 0 or 1 with equal chance: those of number ``number``, a 0-d int32 array.

    The blocks are numbered from 0; the first half of the elements are the blocks' first words, the rest their second.
    """
    count = prod(shape)
    blocks = xp.arange((count + 1) // 2, dtype=xp.int32, device=device)
    words = threefry2x32(xp, key, blocks, xp.reshape(number, (1,)))
    return xp.reshape(xp.concat(words)[:count], shape)


def bits_of_rows(xp: Namespace, key: Words, place: Array, shape: tuple[int, ...], device: Any) -> Array:
    """``random_bits`` of some rows of an array, which has these in ``shape``; rows are its first axis.

    ``place``: int32, the number, that of the first row here, of the rows here, and of the rows of the whole array.
    """
    number, first, rows, total = (place[n : n + 1] for n in range(4))
    count = prod(shape)
    width = xp.full_like(rows, count) // rows
    half = total // 2 * width + total % 2 * ((width + 1) // 2)  # of all elements: the sum stays below 2³¹
    here = xp.arange(count, dtype=xp.int32, device=device) + first * width  # wraps around from 2³¹ on
    is_first = xp.logical_and(here >= 0, here < half)
    x, y = threefry2x32(xp, key, xp.where(is_first, here, here - half), number)
    return xp.reshape(xp.where(is_first, x, y), shape)


def threefry2x32(xp: Namespace, key: Words, first: Array, second: Array) -> tuple[Array, Array]:
    """The random words of a block for each of ``first``, the counters' first words, and ``second``, their second ones.

    Both are int32 arrays of at least one axis that broadcast: NumPy warns where numbers without one wrap around.
    """
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    x, y = first + signed(schedule[0]), second + signed(schedule[1])
    for n in range(ROUNDS):
        x = x + y
        y = rotated(xp, y, ROTATIONS[n % 8]) ^ x
        if n % 4 == 3:
            turn = n // 4 + 1
            x = x + signed(schedule[turn % 3])
            y = y + signed(schedule[(turn + 1) % 3] + turn)
    return x, y


def rotated(xp: Namespace, x: Array, places: int) -> Array:
    """Each word with its bits moved ``places`` to the left, those that fall out brought in from the right."""
    fallen = xp.bitwise_right_shift(x, 32 - places) & ((1 << places) - 1)
    return xp.bitwise_left_shift(x, places) | fallen


def signed(word: int) -> int:
    """The number whose lowest 32 bits are those of ``word``, as an int32 holds it."""
    return (word + 2**31) % 2**32 - 2**31
