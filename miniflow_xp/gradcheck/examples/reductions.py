"""Reductions and cumulative functions."""

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, normal, positive

REAL = {"torch": "its own gradient of a real array stays complex"}


with_zeros = np.array([[2.0, 0.0, -1.5], [0.0, 0.0, 3.0]])

CASES: list[Case] = []
for op in ("sum", "mean", "prod", "max", "min", "var", "std"):
    make = positive if op == "prod" else normal
    straight = op in ("sum", "mean", "max", "min")

    def call(xp, x, op=op, **keywords):
        return getattr(xp, op)(x, **keywords)

    CASES += [
        case(op, call, make(3, 2), twice=not straight),
        case(op, lambda xp, x, f=call: f(xp, x, axis=0), make(3, 2), detail="axis 0", twice=not straight),
        case(op, lambda xp, x, f=call: f(xp, x, axis=-1, keepdims=True), make(3, 2), detail="axis -1, keepdims"),
        case(op, lambda xp, x, f=call: f(xp, x, axis=(-1, 0)), make(3, 2, 4), detail="two axes"),
        case(op, lambda xp, x, f=call: f(xp, x, axis=1) * f(xp, x), make(2, 3), detail="twice"),
    ]
    if op not in ("var", "std"):
        CASES += [case(op, call, make(), detail="of a 0-d array")]
    if op in ("sum", "prod", "mean"):
        CASES += [case(op, call, complexes(3, 2), detail="complex")]
    if op in ("sum", "prod"):
        CASES += [
            case(op, lambda xp, x, f=call: f(xp, x, axis=0), make(0, 3), detail="empty", twice=False),
            case(
                op,
                lambda xp, x, f=call: f(xp, x, axis=()),
                make(2, 3),
                detail="over no axes",
                no_oracle={"torch": "it takes () for all axes"},
            ),
            case(op, lambda xp, x, f=call: f(xp, x, dtype=xp.float64) ** 2, make(3), detail="dtype"),
            case(
                op,
                lambda xp, x, f=call: f(xp, x, axis=1, dtype=xp.complex128) ** 2,
                make(2, 3),
                detail="complex dtype",
                no_oracle=REAL,
            ),
        ]
    if op in ("var", "std"):
        CASES += [
            case(op, lambda xp, x, f=call: f(xp, x, correction=1), normal(4), detail="correction 1"),
            case(
                op,
                lambda xp, x, f=call: f(xp, x, axis=0, correction=0.5),
                normal(4, 2),
                detail="correction 0.5",
                skip={"torch": "its correction is an integer"},
            ),
        ]
for axis in (None, 0, (0, 1)):
    CASES += [
        case("prod", lambda xp, x, axis=axis: xp.prod(x, axis=axis), with_zeros, detail=f"with zeros, axis {axis}"),
    ]
for op in ("cumulative_sum", "cumulative_prod"):

    def call(xp, x, op=op, **keywords):
        return getattr(xp, op)(x, **keywords)

    CASES += [
        case(op, call, normal(5)),
        case(op, lambda xp, x, f=call: f(xp, x, axis=0), normal(3, 2), detail="axis 0"),
        case(op, lambda xp, x, f=call: f(xp, x, axis=-2), normal(2, 4, 2), detail="axis -2"),
        case(op, lambda xp, x, f=call: f(xp, x, axis=1, include_initial=True), normal(2, 3), detail="include_initial"),
        case(op, call, complexes(4), detail="complex"),
        case(op, lambda xp, x, f=call: f(xp, x, axis=1), normal(2, 0), detail="empty", twice=False),
        case(op, call, normal(1), detail="of one element"),
        case(
            op,
            lambda xp, x, f=call: f(xp, x, dtype=xp.complex128) ** 2,
            normal(3),
            detail="complex dtype",
            no_oracle=REAL,
        ),
    ]
CASES += [
    case("cumulative_prod", lambda xp, x: xp.cumulative_prod(x, axis=1), with_zeros, detail="with zeros"),
    case("cumulative_prod", lambda xp, x: xp.cumulative_prod(x), normal(13), detail="of many"),
]


def mean_of_positive(xp, x):
    """Σ over a count, which is an array of integers."""
    found = xp.where(x > 0, x, xp.zeros_like(x))
    return xp.sum(found**2) / xp.astype(xp.sum(xp.astype(x > 0, xp.int64)) + 1, x.dtype)


CASES += [
    case("sum", mean_of_positive, normal(7), detail="over a count"),
    case(
        "sum", lambda xp, x: x**2 / xp.astype(1 + xp.count_nonzero(x > 0), x.dtype), normal(5), detail="count_nonzero"
    ),
    case("sum", lambda xp, x: x[xp.sum(xp.astype(x > 0, xp.int64)) // 2] ** 2, normal(6), detail="count as an index"),
    case("mean", lambda xp, x: xp.mean(x, axis=0) ** 2 * xp.sum(xp.ones_like(x[:, 0])), normal(3, 2), detail="by ones"),
    case("max", lambda xp, x: xp.where(xp.any(x > 0, axis=0), xp.max(x, axis=0), 0 * x[0, ...]) ** 2, normal(3, 2)),
]
