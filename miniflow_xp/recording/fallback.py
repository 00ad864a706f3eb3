"""What runs a step that cannot be recorded: the plain loop, which says why."""

from collections.abc import Callable, Sequence

from miniflow_xp.arrays.refusals import NOT_RECORDED, TraceError
from miniflow_xp.backend import Array, Backend, Capture, PlainCapture
from miniflow_xp.errors import MiniflowError


def captured_or_plain(
    native: Callable[..., Capture],
    backend: Backend,
    function: Callable[..., Sequence[Array]],
    arrays: Sequence[Array],
    state: int,
) -> Capture:
    """``native(backend, function, arrays, state)``, or the plain loop where the function cannot be recorded.

    What is wrong with the step itself, such as shapes that do not fit, is raised.
    """
    try:
        return native(backend, function, arrays, state)
    except NOT_RECORDED as error:
        if is_of_the_step(error):
            raise
        return PlainCapture(backend, function, arrays, state, f"it cannot be recorded: {error}")


def is_of_the_step(error: BaseException) -> bool:
    """Is this an error of ours that says what is wrong with the step itself, recorded or not?"""
    return isinstance(error, MiniflowError) and not isinstance(error, TraceError)
