"""One elementwise equation as a C expression, with the standard's meaning: NaN, types and rounding included."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np

from miniflow_xp.recording.equations import Value

C_TYPES = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float16": "float",
    "bfloat16": "float",
    "float32": "float",
    "float64": "double",
}
"""What a dtype is computed in; half precision is computed in float32 and rounded where it is stored."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
HALVES = ("float16", "bfloat16")

SAME_NAME = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "floor", "ceil", "trunc"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
"""Functions of one argument that C and the standard call the same."""

ON_FLOATS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "pow": "pow({0}, {1})",
    "atan2": "atan2({0}, {1})",
    "hypot": "hypot({0}, {1})",
    "copysign": "copysign({0}, {1})",
    "maximum": "({0} > {1} || {0} != {0}) ? {0} : {1}",  # NaN in, NaN out, unlike fmax
    "minimum": "({0} < {1} || {0} != {0}) ? {0} : {1}",
    "negative": "-{0}",
    "positive": "{0}",
    "abs": "fabs({0})",
    "square": "{0} * {0}",
    "reciprocal": "1 / {0}",
    "sign": "({0} > 0 || {0} < 0) ? (({0} > 0) - ({0} < 0)) : {0}",
    **{name: f"{name}({{0}})" for name in SAME_NAME},
    "round": "rint({0})",
}
"""Functions whose result and operands are floats of one dtype; integers are left to CuPy, which has its own rules."""

ON_INT32 = {
    "add": "(int)((unsigned int){0} + (unsigned int){1})",  # wraps around, which C promises for unsigned ones only
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}",
    "bitwise_left_shift": "(int)((unsigned int){0} << {1})",
    "bitwise_right_shift": "{0} >> {1}",
}
"""What random bits are made by, where result and operands are int32."""

COMPARISONS = {
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
}
LOGIC = {
    "logical_and": "{0} && {1}",
    "logical_or": "{0} || {1}",
    "logical_xor": "{0} != {1}",
    "logical_not": "!{0}",
    "bitwise_and": "{0} && {1}",  # of booleans, as the logical ones
    "bitwise_or": "{0} || {1}",
    "bitwise_invert": "!{0}",
    "isnan": "{0} != {0}",
    "isinf": "fabs({0}) > {largest}",
    "isfinite": "fabs({0}) <= {largest}",
}


def expression(value: Value, names: Mapping[Value, str] | None = None) -> str | None:
    """The C expression of an equation; None where it is not elementwise or not among those known here.

    ``names``: the C variables that hold its inputs, each declared with the C type of its dtype.
    """
    if value.dtype is None or value.dtype.name not in C_TYPES:
        return None
    spell = Speller(names or {})
    if value.op == "astype":
        return cast(value, spell)
    if value.keywords or not all(is_operand(i) for i in value.inputs):
        return None
    if value.op == "where":
        condition, x, y = value.inputs
        return f"{spell(condition, np.dtype(bool))} ? {spell(x, value.dtype)} : {spell(y, value.dtype)}"
    if value.op in ON_FLOATS and value.dtype.name in FLOATS:
        if value.op == "pow" and is_number(value.inputs[1], 2):
            return f"{spell(value.inputs[0], value.dtype)} * {spell(value.inputs[0], value.dtype)}"
        return ON_FLOATS[value.op].format(*(spell(i, value.dtype) for i in value.inputs))
    if value.op in ON_INT32 and value.dtype.name == "int32" and all(i.dtype.name == "int32" for i in arrays(value)):
        return ON_INT32[value.op].format(*(spell(i, value.dtype) for i in value.inputs))
    if value.op in COMPARISONS:
        common = np.result_type(*(i.content if is_python(i) else i.dtype for i in value.inputs))
        return COMPARISONS[value.op].format(*(spell(i, common) for i in value.inputs))
    return logic(value, spell) if value.op in LOGIC else None


def arrays(value: Value) -> list[Value]:
    """The operands that are no Python numbers."""
    return [i for i in value.inputs if not is_python(i)]


def logic(value: Value, spell: "Speller") -> str | None:
    """and, or, not of booleans; isnan and its relatives of floats."""
    dtypes = {i.dtype.name for i in value.inputs if not is_python(i)}
    wanted = {"bool"} if value.op.startswith(("logical", "bitwise")) else set(FLOATS)
    if any(is_python(i) for i in value.inputs) or not dtypes <= wanted:
        return None
    largest = literal(np.finfo(np.float64 if dtypes == {"float64"} else np.float32).max, np.dtype("float64"))
    return LOGIC[value.op].format(*(spell(i, i.dtype) for i in value.inputs), largest=largest)


def cast(value: Value, spell: "Speller") -> str | None:
    """A conversion; to half precision and back, so that the value is rounded as if it had been stored."""
    source = value.inputs[0]
    if is_python(source) or source.dtype.name not in C_TYPES:
        return None
    if value.dtype.name == "bool":
        return f"{spell(source, source.dtype)} != 0"
    name = value.dtype.name
    return f"(float)({name}){spell(source, np.dtype('float32'))}" if name in HALVES else spell(source, value.dtype)


class Speller:
    """Writes operands: variables, converted where their dtype differs from that computed in, and numbers."""

    def __init__(self, names: Mapping[Value, str]) -> None:
        self.names = names

    def __call__(self, item: Value, dtype: Any) -> str:
        if is_python(item):
            return literal(item.content, dtype)
        name, wanted = self.names.get(item, "x"), C_TYPES[dtype.name]
        return name if C_TYPES[item.dtype.name] == wanted else f"({wanted}){name}"


def literal(number: Any, dtype: Any) -> str:
    """A number as C writes it, exactly as ``dtype`` holds it."""
    if dtype.kind in "iub":
        text = str(int(number)) + ("ull" if dtype.kind == "u" else "ll" if dtype.itemsize == 8 else "")
        return f"({text})" if number < 0 else text
    with np.errstate(over="ignore"):  # a number beyond the dtype is infinite there
        rounded = float(np.asarray(number, dtype=dtype))
    single = "" if dtype.name == "float64" else "f"
    if isnan(rounded):
        return "CUDART_NAN" + single.replace("f", "_F")
    if abs(rounded) == float("inf"):
        text = ("-" if rounded < 0 else "") + "CUDART_INF" + single.replace("f", "_F")
    else:
        text = repr(rounded) + single
    return f"({text})" if text.startswith("-") else text


def is_operand(item: Any) -> bool:
    """Is this a Python number, or an array of a dtype that C knows?"""
    return isinstance(item, Value) and not item.is_several and (item.is_number or item.dtype.name in C_TYPES)


def is_python(item: Any) -> bool:
    """Is this a Python number, which takes the dtype of what it meets?"""
    return isinstance(item, Value) and item.is_number


def is_number(item: Any, number: float) -> bool:
    """Is this the Python number ``number``?"""
    return is_python(item) and bool(item.content == number)
