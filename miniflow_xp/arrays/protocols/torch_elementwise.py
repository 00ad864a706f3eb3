"""PyTorch's elementwise functions."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

from miniflow_xp.arrays.protocols import ufuncs
from miniflow_xp.arrays.protocols.arguments import only
from miniflow_xp.arrays.protocols.tables import TORCH, torch
from miniflow_xp.dtypes import is_complex

ONE = {  # of one array
    "abs absolute": "abs",
    "neg negative": "negative",
    "positive": "positive",
    "exp": "exp",
    "expm1 special.expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p special.log1p": "log1p",
    "sqrt": "sqrt",
    "square": "square",
    "reciprocal": "reciprocal",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin arcsin": "asin",
    "acos arccos": "acos",
    "atan arctan": "atan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh arcsinh": "asinh",
    "acosh arccosh": "acosh",
    "atanh arctanh": "atanh",
    "sign sgn": "sign",
    "floor": "floor",
    "ceil": "ceil",
    "trunc fix": "trunc",
    "isnan": "isnan",
    "isinf": "isinf",
    "isfinite": "isfinite",
    "logical_not": "logical_not",
    "bitwise_not": "bitwise_invert",
    "sigmoid special.expit": "special.expit",
    "logsigmoid log_sigmoid": "special.log_expit",
    "erf special.erf": "special.erf",
    "erfc special.erfc": "special.erfc",
    "erfinv special.erfinv": "special.erfinv",
    "erfcx special.erfcx": "special.erfcx",
    "special.ndtr": "special.ndtr",
    "special.log_ndtr": "special.log_ndtr",
    "lgamma special.gammaln": "special.gammaln",
    "digamma special.digamma special.psi": "special.digamma",
    "sinc special.sinc": "special.sinc",
    "i0 special.i0": "special.i0",
    "special.i0e": "special.i0e",
    "special.i1": "special.i1",
    "special.entr": "special.entr",
}
TWO = {  # of two
    "mul multiply": "multiply",
    "true_divide": "divide",
    "floor_divide": "floor_divide",
    "remainder": "remainder",
    "pow float_power": "pow",
    "maximum": "maximum",
    "minimum": "minimum",
    "atan2 arctan2": "atan2",
    "hypot": "hypot",
    "logaddexp": "logaddexp",
    "copysign": "copysign",
    "nextafter": "nextafter",
    "eq": "equal",
    "ne not_equal": "not_equal",
    "lt less": "less",
    "le less_equal": "less_equal",
    "gt greater": "greater",
    "ge greater_equal": "greater_equal",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "bitwise_and and": "bitwise_and",
    "bitwise_or or": "bitwise_or",
    "bitwise_xor xor": "bitwise_xor",
    "xlogy special.xlogy": "special.xlogy",
    "special.xlog1py": "special.xlog1py",
    "matmul": "matmul",
    "bmm": "matmul",
    "mm": "matmul",
    "mv": "matmul",
}


def found(xp: Any, op: str) -> Any:
    """A function of the namespace by its name."""
    extension, _, name = op.rpartition(".")
    return getattr(getattr(xp, extension) if extension else xp, name)


def of_one(op: str) -> Callable[..., Any]:
    def call(xp: Any, input: Any) -> Any:  # noqa: A002  PyTorch's
        return found(xp, op)(xp.asarray(input))

    return call


def of_two(op: str) -> Callable[..., Any]:
    def call(xp: Any, input: Any, other: Any) -> Any:  # noqa: A002
        return found(xp, op)(xp.asarray(input), of_number(xp, other))

    return call


def of_number(xp: Any, other: Any) -> Any:
    """An array, or a Python number as it is."""
    return other if isinstance(other, (int, float, complex)) else xp.asarray(other)


for _names, _op in ONE.items():
    for _name in _names.split():
        TORCH[_name] = of_one(_op)
for _names, _op in TWO.items():
    for _name in _names.split():
        TORCH[_name] = of_two(_op)
MADE: dict[str, Callable[..., Any]] = {
    "exp2 special.exp2": ufuncs.exp2,
    "deg2rad": ufuncs.radians,
    "rad2deg": ufuncs.degrees,
    "fmod": ufuncs.fmod,
    "fmax": ufuncs.fmax,
    "fmin": ufuncs.fmin,
    "logaddexp2": ufuncs.logaddexp2,
    "heaviside": ufuncs.heaviside,
}
for _names, _made in MADE.items():
    for _name in _names.split():
        TORCH[_name] = _made


@torch("add")
def add(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:  # noqa: A002
    return input + (other if type(alpha) is int and alpha == 1 else alpha * other)


@torch("sub", "subtract")
def sub(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:  # noqa: A002
    return input - (other if type(alpha) is int and alpha == 1 else alpha * other)


@torch("rsub")
def rsub(xp: Any, input: Any, other: Any, *, alpha: Any = 1) -> Any:  # noqa: A002
    return other - (input if type(alpha) is int and alpha == 1 else alpha * input)


@torch("div", "divide")
def div(xp: Any, input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:  # noqa: A002
    only("rounding_mode", rounding_mode, None, "floor", "trunc")
    if rounding_mode == "floor":
        return xp.floor_divide(input, other)
    return input / other if rounding_mode is None else xp.trunc(input / other)


@torch("rsqrt")
def rsqrt(xp: Any, input: Any) -> Any:  # noqa: A002
    return 1 / xp.sqrt(input)


@torch("round")
def round_(xp: Any, input: Any, *, decimals: int = 0) -> Any:  # noqa: A002
    scale = 10.0**decimals
    return xp.round(input) if decimals == 0 else xp.round(input * scale) / scale


@torch("frac")
def frac(xp: Any, input: Any) -> Any:  # noqa: A002
    return input - xp.trunc(input)


@torch("logit", "special.logit")
def logit(xp: Any, input: Any, eps: float | None = None) -> Any:  # noqa: A002
    return xp.special.logit(input if eps is None else xp.clip(input, eps, 1 - eps))


@torch("clamp", "clip")
def clamp(xp: Any, input: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    return xp.clip(input, min, max)


@torch("where")
def where(xp: Any, condition: Any, input: Any = None, other: Any = None) -> Any:  # noqa: A002
    if input is None:
        return xp.nonzero(condition)
    like = next(x for x in (input, other) if hasattr(x, "dtype"))
    pair = [x if hasattr(x, "dtype") else xp.asarray(x, dtype=like.dtype) for x in (input, other)]
    return xp.where(condition, *pair)


@torch("lerp")
def lerp(xp: Any, input: Any, end: Any, weight: Any) -> Any:  # noqa: A002
    return input + weight * (end - input)


@torch("addcmul")
def addcmul(xp: Any, input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:  # noqa: A002
    return input + value * tensor1 * tensor2


@torch("addcdiv")
def addcdiv(xp: Any, input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:  # noqa: A002
    return input + value * tensor1 / tensor2


@torch("conj", "resolve_conj")
def conj(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.conj(input) if is_complex(input) else input


@torch("real")
def real(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.real(input) if is_complex(input) else input


@torch("imag")
def imag(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.imag(input)


@torch("angle")
def angle(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.angle(input)


@torch("nan_to_num")
def nan_to_num(xp: Any, input: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:  # noqa: A002
    return xp.nan_to_num(input, True, nan, posinf, neginf)


@torch("gelu")
def gelu(xp: Any, input: Any, approximate: str = "none") -> Any:  # noqa: A002
    if approximate == "tanh":
        return 0.5 * input * (1 + xp.tanh(sqrt(2 / pi) * (input + 0.044715 * input**3)))
    return input * xp.special.ndtr(input)


@torch("relu")
def relu(xp: Any, input: Any, inplace: bool = False) -> Any:  # noqa: A002
    """max(x, 0), with the slope 0 at 0, as PyTorch has it."""
    return xp.where(input <= 0, xp.zeros_like(input), input)


@torch("relu6")
def relu6(xp: Any, input: Any, inplace: bool = False) -> Any:  # noqa: A002
    return hardtanh(xp, input, 0.0, 6.0)


@torch("hardtanh")
def hardtanh(xp: Any, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:  # noqa: A002
    """The slope is 0 at both bounds, as PyTorch has it."""
    inside = xp.where(input <= min_val, xp.full_like(input, min_val), input)
    return xp.where(input >= max_val, xp.full_like(input, max_val), inside)


@torch("leaky_relu")
def leaky_relu(xp: Any, input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:  # noqa: A002
    return xp.where(input > 0, input, negative_slope * input)


@torch("elu")
def elu(xp: Any, input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:  # noqa: A002
    low = xp.where(input > 0, xp.zeros_like(input), input)
    return xp.where(input > 0, input, alpha * xp.expm1(low))


@torch("selu")
def selu(xp: Any, input: Any, inplace: bool = False) -> Any:  # noqa: A002
    return 1.0507009873554804934193349852946 * elu(xp, input, 1.6732632423543772848170429916717)


@torch("silu")
def silu(xp: Any, input: Any, inplace: bool = False) -> Any:  # noqa: A002
    return input * xp.special.expit(input)


@torch("mish")
def mish(xp: Any, input: Any, inplace: bool = False) -> Any:  # noqa: A002
    return input * xp.tanh(xp.special.softplus(input))


@torch("softplus")
def softplus(xp: Any, input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:  # noqa: A002
    return xp.special.softplus(beta * input) / beta


@torch("softsign")
def softsign(xp: Any, input: Any) -> Any:  # noqa: A002
    return input / (1 + xp.abs(input))


@torch("tanhshrink")
def tanhshrink(xp: Any, input: Any) -> Any:  # noqa: A002
    return input - xp.tanh(input)
