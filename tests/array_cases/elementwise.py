"""Elementwise functions."""

from array_cases.case import Case, case, complexes, inside, normal, positive

CASES: list[Case] = []
for op in ("exp", "sin", "cos", "tanh"):
    CASES += [
        case(op, lambda xp, x, op=op: getattr(xp, op)(x), normal(3, 2)),
        case(op, lambda xp, x, op=op: getattr(xp, op)(x), complexes(3) * 0.5, detail="complex"),
    ]
CASES += [
    case("log", lambda xp, x: xp.log(x), positive(3, 2)),
    case("asin", lambda xp, x: xp.asin(x), inside(4)),
    case("multiply", lambda xp, a, b: a * b, normal(3, 2), normal(2), detail="broadcast"),
    case("divide", lambda xp, a, b: xp.divide(a, b), normal(3, 1), positive(2), detail="broadcast"),
    case("pow", lambda xp, a, b: a**b, positive(3), normal(3)),
    case("where", lambda xp, a, b: xp.where(a > b, a * a, b), normal(3, 2), normal(2)),
]
