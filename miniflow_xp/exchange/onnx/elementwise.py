"""Elementwise functions as nodes of ONNX."""

from math import inf, log, pi
from typing import Any

from miniflow_xp.exchange.onnx.merging import Step
from miniflow_xp.exchange.onnx.table import converts
from miniflow_xp.exchange.onnx.writer import Writer, common

ALIKE = {  # of one array, in the dtype of the result
    "abs": "Abs",
    "acos": "Acos",
    "acosh": "Acosh",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "special.erf": "Erf",
    "special.expit": "Sigmoid",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
BINARY = {"add": "Add", "divide": "Div", "multiply": "Mul", "pow": "Pow", "subtract": "Sub"}
EXTREMES = {"maximum": "Max", "minimum": "Min"}
COMPARISONS = {
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
}
LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
BITWISE = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor"}
AS_THEY_ARE = ("conj", "positive", "real", "to_device")


@converts(*ALIKE)
def _alike(w: Writer, step: Step, x: Any) -> str:
    if step.dtype.kind in "iu" and step.op in ("floor", "ceil", "round"):
        return w.array(x)
    return w.node(ALIKE[step.op], w.array(x, step.dtype))


@converts(*BINARY)
def _binary(w: Writer, step: Step, x: Any, y: Any) -> str:
    return w.node(BINARY[step.op], w.array(x, step.dtype), w.array(y, step.dtype))


@converts(*EXTREMES)
def _extreme(w: Writer, step: Step, x: Any, y: Any) -> str:
    return w.node(EXTREMES[step.op], w.array(x, step.dtype), w.array(y, step.dtype))


@converts(*COMPARISONS)
def _comparison(w: Writer, step: Step, x: Any, y: Any) -> str:
    dtype = common(x, y)
    return w.node(COMPARISONS[step.op], w.array(x, dtype), w.array(y, dtype))


@converts("not_equal")
def _not_equal(w: Writer, step: Step, x: Any, y: Any) -> str:
    dtype = common(x, y)
    return w.node("Not", w.node("Equal", w.array(x, dtype), w.array(y, dtype)))


@converts(*LOGICAL)
def _logical(w: Writer, step: Step, x: Any, y: Any) -> str:
    return w.node(LOGICAL[step.op], w.array(x, bool), w.array(y, bool))


@converts(*BITWISE)
def _bitwise(w: Writer, step: Step, x: Any, y: Any) -> str:
    kind = BITWISE[step.op] if step.dtype.kind == "b" else f"Bitwise{BITWISE[step.op]}"
    return w.node(kind, w.array(x, step.dtype), w.array(y, step.dtype))


@converts("logical_not", "bitwise_invert")
def _not(w: Writer, step: Step, x: Any) -> str:
    if step.dtype.kind == "b":
        return w.node("Not", w.array(x, bool))
    return w.node("BitwiseNot", w.array(x, step.dtype))


@converts(*AS_THEY_ARE)
def _as_it_is(w: Writer, step: Step, x: Any, *_: Any, **__: Any) -> str:
    return w.array(x)


@converts("astype")
def _astype(w: Writer, step: Step, x: Any, *_: Any, **__: Any) -> str:
    return w.array(x, step.dtype)


@converts("isnan", "isinf", "isfinite")
def _classified(w: Writer, step: Step, x: Any) -> str:
    tensor = w.array(x, None if common(x).kind == "f" else "float32")
    if step.op == "isfinite":
        return w.node("Not", w.node("Or", w.node("IsNaN", tensor), w.is_infinite(tensor, common(x))))
    return w.node("IsNaN", tensor) if step.op == "isnan" else w.is_infinite(tensor, common(x))


@converts("where")
def _where(w: Writer, step: Step, condition: Any, x: Any, y: Any) -> str:
    return w.node("Where", w.array(condition, bool), w.array(x, step.dtype), w.array(y, step.dtype))


@converts("clip")
def _clip(w: Writer, step: Step, x: Any, min: Any = None, max: Any = None) -> str:  # noqa: A002  the standard's names
    found = w.array(x, step.dtype)
    found = found if min is None else w.node("Max", found, w.array(min, step.dtype))
    return found if max is None else w.node("Min", found, w.array(max, step.dtype))


@converts("square")
def _square(w: Writer, step: Step, x: Any) -> str:
    tensor = w.array(x, step.dtype)
    return w.node("Mul", tensor, tensor)


@converts("log2", "log10")
def _log_to_a_base(w: Writer, step: Step, x: Any) -> str:
    base = 2 if step.op == "log2" else 10
    return w.node("Mul", w.node("Log", w.array(x, step.dtype)), w.constant(1 / log(base), step.dtype))


@converts("expm1")
def _expm1(w: Writer, step: Step, x: Any) -> str:
    """tanh(x/2) · (eˣ + 1), which keeps its digits near 0; eˣ - 1 where that is large."""
    tensor, one = w.array(x, step.dtype), w.constant(1, step.dtype)
    e = w.node("Exp", tensor)
    half = w.node("Tanh", w.node("Mul", tensor, w.constant(0.5, step.dtype)))
    return w.node("Mul", half, w.node("Add", e, one))


@converts("log1p")
def _log1p(w: Writer, step: Step, x: Any) -> str:
    return log1p(w, w.array(x, step.dtype), step.dtype)


def log1p(w: Writer, x: str, dtype: Any) -> str:
    """log(u) · x / (u - 1) with u = 1 + x, which keeps its digits near 0 (Goldberg 1991, theorem 4)."""
    one = w.constant(1, dtype)
    u = w.node("Add", x, one)
    logarithm = w.node("Log", u)
    near = w.node("Mul", logarithm, w.node("Div", x, w.node("Sub", u, one)))
    far = w.node("Where", w.node("Equal", u, x), logarithm, near)
    return w.node("Where", w.node("Equal", u, one), x, far)


@converts("trunc")
def _trunc(w: Writer, step: Step, x: Any) -> str:
    tensor = w.array(x, step.dtype)
    if step.dtype.kind in "iu":
        return tensor
    return w.node("Mul", w.node("Sign", tensor), w.node("Floor", w.node("Abs", tensor)))


@converts("hypot")
def _hypot(w: Writer, step: Step, x: Any, y: Any) -> str:
    """m · √((x/m)² + (y/m)²), with m the larger of |x| and |y|; ∞ where one is, also beside NaN."""
    a, b = (w.node("Abs", w.array(item, step.dtype)) for item in (x, y))
    most, zero = w.node("Max", a, b), w.constant(0, step.dtype)
    by = w.node("Where", w.node("Equal", most, zero), w.constant(1, step.dtype), most)
    parts = [w.node("Div", item, by) for item in (a, b)]
    root = w.node("Sqrt", w.node("Add", *[w.node("Mul", p, p) for p in parts]))
    infinite = w.node("Or", w.is_infinite(a, step.dtype), w.is_infinite(b, step.dtype))
    return w.node("Where", infinite, w.constant(inf, step.dtype), w.node("Mul", by, root))


@converts("atan2")
def _atan2(w: Writer, step: Step, y: Any, x: Any) -> str:
    """atan(|y/x|), turned into the quadrant that the signs say, also those of zeros."""
    up, along = w.array(y, step.dtype), w.array(x, step.dtype)
    ratio = w.node("Abs", w.node("Div", up, along))
    both_zero = w.node("And", is_zero(w, up, step.dtype), is_zero(w, along, step.dtype))
    both_infinite = w.node("And", w.is_infinite(up, step.dtype), w.is_infinite(along, step.dtype))
    ratio = w.node("Where", both_zero, w.constant(0, step.dtype), ratio)
    ratio = w.node("Where", both_infinite, w.constant(1, step.dtype), ratio)
    angle = w.node("Atan", ratio)
    turned = w.node("Sub", w.constant(pi, step.dtype), angle)
    angle = w.node("Where", is_negative(w, along, step.dtype), turned, angle)
    return w.node("Where", is_negative(w, up, step.dtype), w.node("Neg", angle), angle)


def is_zero(w: Writer, tensor: str, dtype: Any) -> str:
    """Which elements are 0 or -0?"""
    return w.node("Equal", tensor, w.constant(0, dtype))


def is_negative(w: Writer, tensor: str, dtype: Any) -> str:
    """Which elements are below 0, or -0?"""
    below = w.node("Less", w.node("Reciprocal", tensor), w.constant(0, dtype))
    return w.node("Or", w.node("Less", tensor, w.constant(0, dtype)), w.node("And", is_zero(w, tensor, dtype), below))


@converts("signbit")
def _signbit(w: Writer, step: Step, x: Any) -> str:
    return is_negative(w, w.array(x), common(x))


@converts("logaddexp")
def _logaddexp(w: Writer, step: Step, x: Any, y: Any) -> str:
    """max + log(1 + e^-|x - y|)."""
    a, b = w.array(x, step.dtype), w.array(y, step.dtype)
    apart = w.node("Neg", w.node("Abs", w.node("Sub", a, b)))
    apart = w.node("Where", w.node("Equal", a, b), w.constant(0, step.dtype), apart)  # also of two infinities
    return w.node("Add", w.node("Max", a, b), log1p(w, w.node("Exp", apart), step.dtype))


@converts("special.softplus", "special.log_expit")
def _softplus(w: Writer, step: Step, x: Any) -> str:
    """max(x, 0) + log(1 + e^-|x|); log σ(x) = -softplus(-x)."""
    tensor = w.array(x, step.dtype)
    tensor = tensor if step.op == "special.softplus" else w.node("Neg", tensor)
    small = log1p(w, w.node("Exp", w.node("Neg", w.node("Abs", tensor))), step.dtype)
    found = w.node("Add", w.node("Max", tensor, w.constant(0, step.dtype)), small)
    return found if step.op == "special.softplus" else w.node("Neg", found)


@converts("special.xlogy", "special.xlog1py", "special.xdivy")
def _with_zero(w: Writer, step: Step, x: Any, y: Any) -> str:
    """0 where x is, whatever y, unless that is NaN."""
    a, b, zero = w.array(x, step.dtype), w.array(y, step.dtype), w.constant(0, step.dtype)
    if step.op == "special.xdivy":
        found = w.node("Div", a, b)
    else:
        found = w.node("Mul", a, w.node("Log", b) if step.op == "special.xlogy" else log1p(w, b, step.dtype))
    is_zero = w.node("And", w.node("Equal", a, zero), w.node("Not", w.node("IsNaN", b)))
    return w.node("Where", is_zero, zero, found)


@converts("special.logit")
def _logit(w: Writer, step: Step, x: Any) -> str:
    tensor = w.array(x, step.dtype)
    return w.node("Log", w.node("Div", tensor, w.node("Sub", w.constant(1, step.dtype), tensor)))


@converts("floor_divide")
def _floor_divide(w: Writer, step: Step, x: Any, y: Any) -> str:
    """⌊x/y⌋; ONNX cuts whole numbers off towards 0, and floats are divided as NumPy does it, by way of the rest."""
    a, b = w.array(x, step.dtype), w.array(y, step.dtype)
    one = w.constant(1, step.dtype)
    if step.dtype.kind == "u":
        return w.node("Div", a, b)
    if step.dtype.kind == "i":
        cut = w.node("Div", a, b)
        rest = w.node("Sub", a, w.node("Mul", cut, b))
        return w.node("Sub", cut, w.cast(is_turned(w, rest, b, step.dtype), step.dtype))
    rest = w.node("Mod", a, b, fmod=1)
    found = w.node("Div", w.node("Sub", a, rest), b)
    found = w.node("Where", is_turned(w, rest, b, step.dtype), w.node("Sub", found, one), found)
    whole = w.node("Floor", found)
    off = w.node("Greater", w.node("Sub", found, whole), w.constant(0.5, step.dtype))
    whole = w.node("Where", off, w.node("Add", whole, one), whole)
    return w.node("Where", is_zero(w, b, step.dtype), w.node("Div", a, b), whole)


@converts("remainder")
def _remainder(w: Writer, step: Step, x: Any, y: Any) -> str:
    """x - ⌊x/y⌋ y, with the sign of y."""
    a, b = w.array(x, step.dtype), w.array(y, step.dtype)
    if step.dtype.kind != "f":
        return w.node("Mod", a, b)
    rest = w.node("Mod", a, b, fmod=1)
    return w.node("Where", is_turned(w, rest, b, step.dtype), w.node("Add", rest, b), rest)


def is_turned(w: Writer, rest: str, by: str, dtype: Any) -> str:
    """Where has the rest of a division the other sign than what it was divided by?"""
    apart = w.node("Xor", w.node("Less", rest, w.constant(0, dtype)), w.node("Less", by, w.constant(0, dtype)))
    return w.node("And", w.node("Not", is_zero(w, rest, dtype)), apart)
