"""Indexing and updates."""

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, normal

ROWS = np.array([2, 0, 2])
MASK = np.array([[True, False, True], [False, False, True]])
MIXED = {"skip": {"strict": "the standard has no arrays beside slices in an index"}}
FORWARD = {"no_oracle": {"torch": "its slices only go forward"}}
FUNCTIONAL = {"no_oracle": {"torch": "it has no such function", "jax": "it has no such function"}}


CASES: list[Case] = [
    case("getitem", lambda xp, x, key=key: x[key(xp)] ** 2, normal(*shape), detail=detail, **more)
    for detail, shape, key, more in [
        ("slice", (4, 3), lambda xp: (slice(1, 3), ...), {}),
        ("step", (5,), lambda xp: slice(0, 5, 2), {}),
        ("backward", (5,), lambda xp: slice(None, None, -1), FORWARD),
        ("backward step", (2, 5), lambda xp: (slice(None), slice(4, 0, -2)), FORWARD),
        ("backward, nothing", (2, 5), lambda xp: (..., slice(0, 4, -1)), FORWARD),
        ("backward beside None", (3, 2, 4), lambda xp: (slice(None, None, -2), None, ..., slice(2, None, -1)), FORWARD),
        ("integer", (4, 3), lambda xp: (1, ...), {}),
        ("negative integer", (4, 3), lambda xp: (..., -1), {}),
        ("one element", (4, 3), lambda xp: (1, -1), {}),
        ("None", (4, 3), lambda xp: (slice(1, 3), None, 1), {}),
        ("ellipsis", (2, 3, 4), lambda xp: (0, ..., slice(1, 3)), {}),
        ("of a 0-d array", (), lambda xp: (), {}),
        ("nothing", (4, 3), lambda xp: (slice(2, 2), ...), {}),
        ("mask", (2, 3), lambda xp: xp.asarray(MASK), {}),
        ("mask of rows", (2, 3), lambda xp: xp.asarray(MASK[:, 0]), MIXED),
        ("0-d array", (3, 2), lambda xp: (xp.asarray(1), ...), MIXED),
        ("integers", (3,), lambda xp: xp.asarray(ROWS), {}),
        ("integers of rows", (3, 2), lambda xp: xp.asarray(ROWS), MIXED),
        ("two arrays", (3, 4), lambda xp: (xp.asarray(ROWS), xp.asarray([1, 3, 1])), {}),
        ("two arrays, broadcast", (3, 4), lambda xp: (xp.asarray([[0], [2]]), xp.asarray([1, 3, 1])), {}),
        ("array and slice", (3, 4), lambda xp: (slice(0, 2), xp.asarray(ROWS)), MIXED),
        ("array and integer", (3, 4), lambda xp: (xp.asarray(ROWS), 1), {}),
        ("arrays apart", (3, 2, 4), lambda xp: (xp.asarray(ROWS), slice(None), xp.asarray([1, 3, 1])), MIXED),
        ("arrays, None between", (3, 4, 2), lambda xp: (xp.asarray(ROWS), None, xp.asarray([1, 3, 1])), MIXED),
        ("array and backward", (3, 4), lambda xp: (xp.asarray(ROWS), slice(None, None, -2)), {**MIXED, **FORWARD}),
        ("mask and integer", (2, 3), lambda xp: (xp.asarray(MASK[:, 0]), 1), MIXED),
    ]
]
CASES += [
    case(
        "getitem",
        lambda xp, x: x[[2, 0, 2]] ** 2,
        normal(3),
        detail="list",
        **FUNCTIONAL,
        skip={"strict": "so its own arrays"},
    ),
    case("getitem", lambda xp, x: x[xp.argmax(x), ...] ** 2, normal(3), detail="argmax", **MIXED),
]
UNASSIGNED = {"skip": {"strict": "the standard has no arrays of integers in an index that is assigned to"}}
UPDATES = [
    ("slice", (4, 3), (2, 3), lambda xp: (slice(1, 3), ...), {}),
    ("broadcast", (4, 3), (3,), lambda xp: (slice(1, 3), ...), {}),
    ("number", (4, 3), (), lambda xp: (slice(1, 3), slice(None)), {}),
    ("backward", (5,), (3,), lambda xp: slice(None, None, -2), {}),
    ("backward beside an integer", (2, 5), (2,), lambda xp: (1, slice(3, 0, -2)), {}),
    ("integer", (4, 3), (3,), lambda xp: (-1, ...), {}),
    ("one element", (4,), (), lambda xp: 2, {}),
    ("None", (4, 3), (2, 1, 3), lambda xp: (slice(1, 3), None, slice(None)), {}),
    ("everything", (2, 3), (2, 1), lambda xp: ..., {}),
    ("of a 0-d array", (), (), lambda xp: (), {}),
    ("mask", (2, 3), (3,), lambda xp: xp.asarray(MASK), {}),
    ("mask and number", (2, 3), (), lambda xp: xp.asarray(MASK), {}),
    ("mask of rows", (2, 3), (3,), lambda xp: xp.asarray(MASK[:, 0]), MIXED),
    ("mask of rows, one value each", (2, 3), (1, 3), lambda xp: xp.asarray(MASK[:, 0]), MIXED),
    ("integers", (4,), (2,), lambda xp: xp.asarray([3, 1]), {}),
    ("integers, twice the same", (4,), (3,), lambda xp: xp.asarray(ROWS), {}),
    ("two arrays", (3, 4), (3,), lambda xp: (xp.asarray([2, 0, 1]), xp.asarray([1, 3, 1])), {}),
    ("array and slice", (3, 4), (3, 2), lambda xp: (slice(None), xp.asarray([2, 0])), MIXED),
]
CASES += [
    case(
        "setitem",
        lambda xp, x, v, key=key: xp.setitem(x, key(xp), v) ** 2,
        normal(*shape),
        normal(*of_value),
        detail=detail,
        **{**FUNCTIONAL, **more, **(UNASSIGNED if "arrays" in detail or "integers" in detail else {})},
    )
    for detail, shape, of_value, key, more in UPDATES
]
CASES += [
    case(
        "add_at",
        lambda xp, x, v, key=key: xp.add_at(x, key(xp), v) ** 2,
        normal(*shape),
        normal(*of_value),
        detail=detail,
        **{**FUNCTIONAL, **more},
    )
    for detail, shape, of_value, key, more in UPDATES
]
CASES += [
    case(
        "setitem",
        lambda xp, x, v: xp.setitem(x, slice(0, 2), v) ** 2,
        complexes(3),
        normal(2),
        detail="complex",
        **FUNCTIONAL,
    ),
    case("add_at", lambda xp, x: xp.add_at(x, 0, 2.5) ** 2, normal(3), detail="a Python number", **FUNCTIONAL),
    case("take", lambda xp, x: xp.take(x, xp.asarray(ROWS), axis=0) ** 2, normal(3, 2)),
    case("take", lambda xp, x: xp.take(x, xp.asarray(ROWS), axis=-1) ** 2, normal(2, 3), detail="axis -1"),
    case("take", lambda xp, x: xp.take(x, xp.asarray(ROWS)) ** 2, normal(3), detail="no axis"),
    case("take", lambda xp, x: xp.take(x, xp.asarray([0]), axis=0) ** 2, complexes(2, 2), detail="complex"),
    case("take_along_axis", lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=0), axis=0) ** 2, normal(3, 2)),
    case(
        "take_along_axis",
        lambda xp, x: xp.take_along_axis(x, xp.asarray([[2, 2], [0, 1]])) ** 2,
        normal(2, 3),
        detail="places twice",
    ),
    case(
        "take_along_axis",
        lambda xp, x: xp.take_along_axis(x, xp.asarray([[1]]), axis=-1) ** 2,
        normal(1, 3),
        detail="one place",
    ),
]
