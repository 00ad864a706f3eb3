"""Special functions, logarithms of sums of exponentials."""

from miniflow_xp import special
from miniflow_xp.gradcheck.examples.case import Case, case, inside, normal, positive

OURS_ALONE = {"torch": "it has no such function", "jax": "it has no such function"}
CASES: list[Case] = []
ONE = {  # function: what makes arrays where it is smooth
    "erf": normal,
    "erfc": normal,
    "erfcx": normal,
    "erfinv": inside,
    "gamma": positive,
    "gammaln": positive,
    "digamma": positive,
    "psi": positive,
    "entr": positive,
    "expit": normal,
    "logit": lambda *shape: 0.5 + 0.5 * inside(*shape),
    "log_expit": normal,
    "softplus": normal,
    "ndtr": normal,
    "ndtri": lambda *shape: 0.5 + 0.5 * inside(*shape),
    "log_ndtr": normal,
    "i0": normal,
    "i0e": normal,
    "i1": normal,
    "i1e": normal,
    "sinc": normal,
}
WIDE = {
    "erf": 2,
    "erfcx": 5,
    "expit": 9,
    "log_expit": 9,
    "softplus": 9,
    "log_ndtr": 6,
    "i0e": 6,
    "i1": 3,
    "i1e": 6,
    "sinc": 3,
}
for op, arrays in ONE.items():
    CASES.append(case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(x), arrays(3, 2)))
for op, width in WIDE.items():
    CASES.append(case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(x), normal(6) * width, detail="wide"))
TWO = ("xlogy", "xlog1py", "xdivy", "rel_entr", "kl_div", "beta", "betaln")
for op in TWO:
    CASES += [
        case(f"special.{op}", lambda xp, a, b, op=op: getattr(special, op)(a, b), positive(3), positive(3)),
        case(
            f"special.{op}",
            lambda xp, a, b, op=op: getattr(special, op)(a, b),
            positive(3, 1),
            positive(2),
            detail="broadcast",
        ),
        case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(x, 1.5), positive(3), detail="array, number"),
        case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(0.5, x), positive(3), detail="number, array"),
    ]
CASES += [
    case("special.xlogy", lambda xp, x: special.xlogy(x, x), positive(3, 2), detail="of itself"),
    case("special.xlog1py", lambda xp, x, y: special.xlog1py(x, y), normal(4), inside(4), detail="negative"),
    case("special.polygamma", lambda xp, x: special.polygamma(1, x), 1 + positive(3, 2)),
    case("special.polygamma", lambda xp, x: special.polygamma(2, x), 1 + positive(3), detail="2"),
    case("special.polygamma", lambda xp, x: special.polygamma(0, x), positive(3), detail="0"),
    case("special.multigammaln", lambda xp, x: special.multigammaln(x, 3), 2 + positive(3)),
    case("special.gammaln", lambda xp, x: special.gammaln(x), -0.5 + 0.2 * inside(4), detail="negative"),
    case("special.gamma", lambda xp, x: special.gamma(x), -1.5 + 0.2 * inside(4), detail="negative"),
    case("special.digamma", lambda xp, x: special.digamma(x * 9), positive(4), detail="large"),
]
for op in ("gammainc", "gammaincc", "chdtr", "chdtrc"):
    CASES += [
        case(
            f"special.{op}",
            lambda xp, x, op=op: getattr(special, op)(xp.asarray([0.7, 1.0, 3.0], dtype=x.dtype), x),
            positive(2, 3),
            detail="broadcast",
        ),
        case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(2.5, x), positive(3), detail="number"),
    ]
for op in ("betainc", "betaincc"):
    CASES += [
        case(
            f"special.{op}",
            lambda xp, x, op=op: getattr(special, op)(
                xp.asarray([0.7, 1.0, 3.0], dtype=x.dtype), xp.full_like(x, 2.0), x
            ),
            0.5 + 0.5 * inside(2, 3),
            detail="broadcast",
        ),
        case(
            f"special.{op}",
            lambda xp, x, op=op: getattr(special, op)(1.5, 0.5, x),
            0.4 + 0.4 * inside(3),
            detail="numbers",
        ),
    ]
CASES += [
    case("special.zeta", lambda xp, q: special.zeta(2.5, q), positive(3)),
    case(
        "special.zeta",
        lambda xp, q: special.zeta(xp.asarray([1.5, 3.0], dtype=q.dtype), q),
        positive(3, 1),
        detail="broadcast",
    ),
    case(
        "special.sinc_derivative",
        lambda xp, x: xp.special.sinc_derivative(x, order=1),
        normal(6) * 2,
        no_oracle=OURS_ALONE,
    ),
    case(
        "special.bessel_ratio", lambda xp, x: xp.special.bessel_ratio(x, order=1), normal(6) * 4, no_oracle=OURS_ALONE
    ),
]
AXES = {"": None, "axis": 0, "last axis": -1, "two axes": (0, 2)}
for detail, axis in AXES.items():
    CASES += [
        case(
            "special.logsumexp",
            lambda xp, x, axis=axis: special.logsumexp(x, axis=axis),
            normal(3, 2, 2),
            detail=detail,
        ),
        case("special.softmax", lambda xp, x, axis=axis: special.softmax(x, axis=axis), normal(3, 2, 2), detail=detail),
        case(
            "special.log_softmax",
            lambda xp, x, axis=axis: special.log_softmax(x, axis=axis),
            normal(3, 2, 2),
            detail=detail,
        ),
    ]
CASES += [
    case(
        "special.logsumexp", lambda xp, x: special.logsumexp(x, 1, keepdims=True), normal(3, 4) * 9, detail="keepdims"
    ),
    case(
        "special.logsumexp",
        lambda xp, x, b: special.logsumexp(x, axis=0, b=b),
        normal(3, 2),
        positive(3, 2),
        detail="weights",
    ),
    case(
        "special.logsumexp",
        lambda xp, x, b: special.logsumexp(x, axis=1, b=b),
        normal(2),
        positive(3, 1),
        detail="weights broadcast",
    ),
    case("special.logsumexp", lambda xp, x: special.logsumexp(x, b=0.5), normal(3), detail="number for weights"),
    case("special.logsumexp", lambda xp, x: special.logsumexp(x), normal(), detail="without axes"),
    case(
        "special.softmax",
        lambda xp, x: special.softmax(x, axis=-1) * special.softmax(x, axis=0),
        normal(3, 2),
        detail="twice",
    ),
    case("special.expit", lambda xp, x: special.expit(x) * x, normal(0, 3), detail="empty"),
    case("special.erf", lambda xp, x: special.erf(x), normal(), detail="without axes"),
]
CASES += [
    case("special.exp2", lambda xp, x: special.exp2(x), normal(3)),
    case("special.exp10", lambda xp, x: special.exp10(x), normal(3)),
    case("special.erfcinv", lambda xp, x: special.erfcinv(x), 1 + inside(4)),
    case("special.huber", lambda xp, d, r: special.huber(d, r), positive(6), normal(6) * 2),
    case("special.huber", lambda xp, r: special.huber(1.5, r) * r, normal(6) * 2, detail="number"),
    case("special.pseudo_huber", lambda xp, d, r: special.pseudo_huber(d, r), positive(3, 1), normal(2) * 2),
    case("special.stdtr", lambda xp, t: special.stdtr(xp.full_like(t, 3.0), t), normal(6) * 2),
    case("special.stdtr", lambda xp, t: special.stdtr(2.5, t), normal(2, 3), detail="number"),
]
for op in ("fdtr", "fdtrc", "gdtr", "gdtrc"):
    CASES += [
        case(
            f"special.{op}",
            lambda xp, x, op=op: getattr(special, op)(2.5, xp.asarray([0.7, 1.0, 3.0], dtype=x.dtype), x),
            positive(2, 3),
            detail="broadcast",
        ),
        case(f"special.{op}", lambda xp, x, op=op: getattr(special, op)(2.5, 3.5, x), positive(3), detail="numbers"),
    ]
