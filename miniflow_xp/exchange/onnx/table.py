"""What writes each function of the Array API as nodes of ONNX, by name; the other files of this room fill the table."""

from collections.abc import Callable
from typing import TypeAlias

from miniflow_xp.exchange.onnx.merging import Step
from miniflow_xp.exchange.onnx.writer import Writer

OPSET = 18
IR_VERSION = 8

Convert: TypeAlias = Callable[..., str]
"""``convert(writer, step, *inputs, **keywords)`` writes one equation, and gives the name of its result."""

TABLE: dict[str, Convert] = {}


class NoForm(Exception):  # noqa: N818  of this room alone; users are told which function it is
    """ONNX has the function, but not with these arguments."""


def converts(*names: str) -> Callable[[Convert], Convert]:
    """Decorator: what writes these functions."""

    def enter(convert: Convert) -> Convert:
        for name in names:
            TABLE[name] = convert
        return convert

    return enter


def written(writer: Writer, step: Step) -> str:
    """The tensor of one equation, written; in the dtype that was recorded."""
    return TABLE[step.op](writer, step, *step.inputs, **step.keywords)
