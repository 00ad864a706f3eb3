"""A recorded step compiled by TorchInductor, the compiler beneath ``torch.compile``.

``torch.compile`` reads Python code, and before every call it looks whether what it has read still holds. A recorded
step is one path of calls already, and shapes, dtypes and devices are its capture's own; so its graph goes to the
compiler as it is, and all that is looked at is how the arrays lie in memory.
"""

import warnings
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import torch

from miniflow_xp.backend import Array

CUDA_GRAPHS = ("reduce-overhead", "max-autotune")  # modes in which they are used on a GPU

Run = Callable[..., list[Array]]
Replay = Callable[[list[Any], Sequence[Array]], list[Array]]
"""``replay(tensors, arrays)``: the results, where ``tensors`` has the constants at their places."""


def compiled(
    replay: Replay, constants: Sequence[Any], mode: str, plain: Run, refused: Callable[[Exception], None]
) -> Run:
    """The step compiled at its first call, once more for arrays that lie otherwise; ``plain`` where it is refused.

    ``refused`` is told of the latter. What is wrong with the step, plain raises too.
    """
    natives: dict[Hashable, Run] = {}

    def run(*arrays: Array) -> list[Array]:
        if any(a.is_conj() or a.is_neg() for a in arrays):  # only noted, which the compiler does not see
            return run(*[a.resolve_conj().resolve_neg() for a in arrays])
        form = tuple([a.stride() for a in arrays])
        native = natives.get(form)
        if native is None:
            try:
                native = compiled_for(arrays, replay, constants, mode)
                results = native(*arrays)
            except Exception as error:  # of any of the compiler's parts
                native, results = plain, plain(*arrays)
                refused(error)
            natives[form] = native
            return results
        return native(*arrays)

    return run


def compiled_for(arrays: Sequence[Array], replay: Replay, constants: Sequence[Any], mode: str) -> Run:
    """The step compiled for arrays like these.

    A constant is an argument of what is compiled, which need not be compiled anew for other contents; but one that has
    the same number everywhere is told as this number: where gradients begin there are many ones.
    """
    from torch._inductor import compile as inductor  # here: they take a second to import
    from torch._inductor import list_mode_options
    from torch.fx.experimental.proxy_tensor import make_fx

    filled = {n: fill for n, constant in enumerate(constants) if (fill := filling(constant)) is not None}
    given = [n for n, constant in enumerate(constants) if isinstance(constant, torch.Tensor) and n not in filled]
    held = [constants[n] for n in given]

    def step(*arrays: Array) -> list[Array]:
        tensors = list(constants)
        for n, array in zip(given, arrays, strict=False):
            tensors[n] = array
        for n, fill in filled.items():
            tensors[n] = fill()
        return replay(tensors, arrays[len(given) :])

    whole = [*held, *arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler's parts about each other
        native = inductor(make_fx(step)(*whole), whole, options=list_mode_options(mode))

    if mode not in CUDA_GRAPHS:
        return lambda *arrays: list(native(*held, *arrays))

    def replayed(*arrays: Array) -> list[Array]:
        torch.compiler.cudagraph_mark_step_begin()
        return [result.clone() for result in native(*held, *arrays)]  # which the graph writes over at its next run

    return replayed


def filling(constant: Any) -> Callable[[], Array] | None:
    """What makes a tensor that has one number everywhere; None for any other constant."""
    if not isinstance(constant, torch.Tensor) or constant.numel() == 0:
        return None
    first = constant.reshape(-1)[0]
    same = (constant == first).all() and (constant.is_complex() or (constant.signbit() == first.signbit()).all())
    if not same:  # NaN is not the same as itself
        return None
    return partial(torch.full, constant.shape, first.item(), dtype=constant.dtype, device=constant.device)
