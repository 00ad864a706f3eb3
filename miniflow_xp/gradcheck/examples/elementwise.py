"""Elementwise functions."""

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, inside, normal, positive

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

SMOOTH = {  # function: what makes arrays where it is smooth
    "expm1": normal,
    "log2": positive,
    "log10": positive,
    "log1p": positive,
    "sqrt": positive,
    "square": normal,
    "reciprocal": positive,
    "tan": inside,
    "acos": inside,
    "atan": normal,
    "sinh": normal,
    "cosh": normal,
    "asinh": normal,
    "acosh": lambda *shape: 1 + positive(*shape),
    "atanh": inside,
    "negative": normal,
    "positive": normal,
}
JAX_IS_WRONG = {"acosh": {"jax": "it gives the derivative of the other branch where Re z < 0"}}
for op, arrays in SMOOTH.items():
    wrong = JAX_IS_WRONG.get(op, {})
    CASES += [
        case(op, lambda xp, x, op=op: getattr(xp, op)(x), arrays(3, 2)),
        case(op, lambda xp, x, op=op: getattr(xp, op)(x), complexes(3) * 0.5, detail="complex", no_oracle=wrong),
    ]
for op in ("log", "asin"):
    CASES.append(case(op, lambda xp, x, op=op: getattr(xp, op)(x), complexes(3), detail="complex"))
for op in ("add", "subtract", "multiply", "divide"):
    CASES += [
        case(op, lambda xp, a, b, op=op: getattr(xp, op)(a, b), normal(3, 1), positive(1, 2), detail="broadcast both"),
        case(op, lambda xp, a, b, op=op: getattr(xp, op)(a, b), complexes(3), complexes(3), detail="complex"),
        case(op, lambda xp, a, b, op=op: getattr(xp, op)(a, b), normal(3), complexes(3), detail="real, complex"),
        case(op, lambda xp, a, b, op=op: getattr(xp, op)(a, b), complexes(3), positive(3), detail="complex, real"),
    ]
CASES += [
    case("add", lambda xp, x: 2 + x * (1 + 2j), complexes(3), detail="numbers"),
    case("divide", lambda xp, x: 2 / x - x / 3, positive(3), detail="numbers"),
    case("pow", lambda xp, a, b: xp.pow(a, b), complexes(3), complexes(3) * 0.5, detail="complex"),
    case("pow", lambda xp, a, b: xp.pow(a, b), positive(3), complexes(3) * 0.5, detail="real, complex"),
    case("pow", lambda xp, a, b: a**b, positive(3, 1), normal(2), detail="broadcast"),
    case("pow", lambda xp, x: x**3 + x**2 + x**1 + x**0 + x**-1.5, positive(3), detail="numbers"),
    case("pow", lambda xp, x: x**3, complexes(3), detail="complex, number"),
    case("pow", lambda xp, x: 2**x + 0.5**x, normal(3), detail="of numbers"),
    case("pow", lambda xp, x: x ** xp.asarray([2.0, 3.0, -1.0], dtype=x.dtype), normal(3), detail="of negative"),
    case("where", lambda xp, a, b: xp.where(xp.real(a) > 0, a, b), complexes(3), complexes(3), detail="complex"),
    case("where", lambda xp, a, b: xp.where(a > 0, a * b, b), normal(3, 1), normal(2), detail="broadcast"),
    case(
        "where",
        lambda xp, a, b: xp.where(xp.real(b) > 0, a, b),
        normal(3),
        complexes(3),
        detail="real, complex",
        no_oracle={"torch": "it refuses"},
    ),
    case("abs", lambda xp, x: xp.abs(x), normal(3, 2), twice=False),
    case("abs", lambda xp, x: xp.abs(x), complexes(3, 2), detail="complex"),
    case("abs", lambda xp, x: abs(x) ** 2, complexes(3), detail="complex, squared"),
    case("sign", lambda xp, x: x * xp.sign(x), normal(3, 2)),
    case("sign", lambda xp, x: xp.sign(x), complexes(3, 2), detail="complex", no_oracle={"jax": "it gives 0"}),
    case("remainder", lambda xp, a, b: a % b, normal(4, 3) * 5, positive(3), detail="broadcast", twice=False),
    case("remainder", lambda xp, a, b: xp.remainder(a, -b) * a, normal(4) * 5, positive(4), detail="negative"),
    case("remainder", lambda xp, x: x % 0.7 * x, normal(4), detail="number"),
    case("atan2", lambda xp, a, b: xp.atan2(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("atan2", lambda xp, x: xp.atan2(x, xp.full_like(x, -2.0)), normal(3), detail="constant"),
    case("hypot", lambda xp, a, b: xp.hypot(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("hypot", lambda xp, x: xp.hypot(x, xp.full_like(x, 0.5)), normal(3), detail="constant"),
    case("logaddexp", lambda xp, a, b: xp.logaddexp(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("logaddexp", lambda xp, x: xp.logaddexp(x, xp.sin(x)), normal(3), detail="one array"),
    case("copysign", lambda xp, a, b: a * xp.copysign(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("maximum", lambda xp, a, b: a * xp.maximum(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("minimum", lambda xp, a, b: a * xp.minimum(a, b), normal(3, 2), normal(2), detail="broadcast"),
    case("clip", lambda xp, x: x * xp.clip(x, -0.5, 0.5), normal(6), detail="numbers"),
    case("clip", lambda xp, x, a: x * xp.clip(x, min=a), normal(3, 2), normal(2) - 1, detail="lower by keyword"),
    case("clip", lambda xp, x, b: x * xp.clip(x, max=b), normal(3, 2), normal(2), detail="upper by keyword"),
    case(
        "clip",
        lambda xp, x, a, b: x * xp.clip(x, a, b),
        normal(8),
        normal(8) - 0.5,
        normal(8),
        detail="any bounds",
        skip={"strict": "it refuses a lower bound above the upper one"},
    ),
    case(
        "nextafter",
        lambda xp, x: x * xp.nextafter(x, xp.full_like(x, 9.0)),
        normal(3),
        no_oracle={"torch": "it refuses", "jax": "it refuses"},
    ),
    case(
        "multiply",
        lambda xp, x: x * xp.floor_divide(x, xp.full_like(x, 0.7)),
        normal(3) * 5,
        detail="floors",
        no_oracle={"torch": "it refuses"},
    ),
    case(
        "multiply", lambda xp, x: x * (xp.floor(x) + xp.ceil(x) + xp.round(x) + xp.trunc(x)), normal(3), detail="steps"
    ),
    case("multiply", lambda xp, x: x * x[:0], np.zeros(0), detail="empty"),
    case("multiply", lambda xp, a, b: a * xp.sin(b), normal(), normal(3), detail="without axes"),
]
for op in ("maximum", "minimum", "hypot", "atan2", "logaddexp", "copysign", "remainder", "pow"):
    CASES.append(case(op, lambda xp, x, op=op: getattr(xp, op)(x, 0.6) * x, positive(3), detail="of a number"))
