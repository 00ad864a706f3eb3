"""Groups of recorded equations that one native function computes: what a backend may join."""

from miniflow_xp.recording.equations import Value

Equation = tuple[str, tuple[Value, ...]]
"""A function's name and its inputs."""


def sigmoid(value: Value) -> Equation | None:
    """where(x ≥ 0, 1, e) / (1 + e) with e = exp(-|x|)."""
    match value:
        case Value(
            op="divide",
            inputs=(
                Value(op="where", inputs=(Value(op="greater_equal", inputs=(x, zero)), one, e)),
                Value(op="add", inputs=(one_too, e_too)),
            ),
        ) if e is e_too and is_number(zero, 0) and is_number(one, 1) and is_number(one_too, 1):
            match e:
                case Value(op="exp", inputs=(Value(op="negative", inputs=(Value(op="abs", inputs=(x_too,)),)),)):
                    return ("sigmoid", (x,)) if x is x_too else None
    return None


def is_number(value: Value, number: float) -> bool:
    """Is this the constant ``number``?"""
    return value.is_constant and value.shape == () and float(value.content) == number
