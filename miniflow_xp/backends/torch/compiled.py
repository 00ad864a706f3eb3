"""A recorded step compiled by TorchInductor, the compiler beneath ``torch.compile``.

``torch.compile`` reads Python code, and before every call it looks whether what it has read still holds. A recorded
step is one path of calls already, and shapes, dtypes and devices are its capture's own; so its graph goes to the
compiler as it is.

The compiler sees stand-ins, a tensor of its own for each array. So all that it can rely on is how each of them lies in
memory, and PyTorch's settings at that time; not that two arrays are the same one, nor where one begins, nor its
contents. An array that lies otherwise is copied; under other settings the calls are made one by one, as they are where
a constant has been written to of whose contents the compiler was told.
"""

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from miniflow_xp.backend import Array
from miniflow_xp.system.locks import lock

CUDA_GRAPHS = ("reduce-overhead", "max-autotune")  # modes in which they are used on a GPU

Run = Callable[..., list[Array]]
Fill = Callable[[], Array]
Replay = Callable[[list[Any], Sequence[Array]], list[Array]]
"""``replay(tensors, arrays)``: the results, where ``tensors`` has the constants at their places."""

_compiling = lock()  # PyTorch's compiler is for one thread at a time


class Compiled:
    """The step, compiled at its first call; ``plain`` where the compiler refuses it, which ``refused`` is told.

    What is wrong with the step, plain raises too.
    """

    def __init__(
        self,
        replay: Replay,
        constants: Sequence[Any],
        mode: str,
        device: str,
        plain: Run,
        refused: Callable[[Exception], None],
    ) -> None:
        self._replay, self._constants, self._mode = replay, constants, mode
        self._kind = torch.device(device).type
        self._told: list[Array] = []  # constants of which the compiler is told what is in them
        self._plain, self._refused = plain, refused
        self._native: Run | None = None

    def __call__(self, *arrays: Array) -> list[Array]:
        if self._native is None:
            with _compiling:
                if self._native is None:
                    return self._first(arrays)
        if self._relied_on() != self._then:
            return self._plain(*arrays)
        return self._native(*map(as_laid, arrays, self._strides))

    def _first(self, arrays: Sequence[Array]) -> list[Array]:
        filled = {n: fill for n, constant in enumerate(self._constants) if (fill := filling(constant)) is not None}
        self._told = [self._constants[n] for n in filled]
        self._then, self._strides = self._relied_on(), [dense_strides(a) for a in arrays]
        laid = [as_laid(a, s) for a, s in zip(arrays, self._strides, strict=True)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the compiler's parts about each other
                native = compiled_for(laid, self._replay, self._constants, filled, self._mode)
                results = native(*laid)  # torch.compile begins here
        except Exception as error:  # of any of the compiler's parts
            native, results = self._plain, self._plain(*arrays)
            self._refused(error)
        self._native = native
        return results

    def _relied_on(self) -> Hashable:
        """What PyTorch's calls look at beside their arguments each time, and the compiler looks at once."""
        deterministic, autocast = torch.are_deterministic_algorithms_enabled(), torch.is_autocast_enabled(self._kind)
        return torch.get_default_dtype(), deterministic, autocast, *[told._version for told in self._told]  # noqa: SLF001


def dense_strides(array: Array) -> tuple[int, ...]:
    """The strides of an array, or where it has gaps or shows an element twice, those that a copy of it would have."""
    return tuple(torch.empty_like(array, device="meta").stride())


def as_laid(array: Array, strides: tuple[int, ...]) -> Array:
    """The array with these strides, and with what PyTorch has only noted of it, conjugated or negated, carried out."""
    if array.stride() == strides and not array.is_conj() and not array.is_neg():
        return array
    return torch.empty_strided(array.shape, strides, dtype=array.dtype, device=array.device).copy_(array)


def compiled_for(
    arrays: Sequence[Array], replay: Replay, constants: Sequence[Any], filled: Mapping[int, Fill], mode: str
) -> Run:
    """The step compiled for arrays that lie like these.

    A constant is an argument of what is compiled, which need not be compiled anew for other contents; but one that has
    the same number everywhere, which ``filled`` makes, is told as this number: where gradients begin there are many
    ones.
    """
    given = [n for n, constant in enumerate(constants) if isinstance(constant, torch.Tensor) and n not in filled]
    held = [as_laid(constants[n], dense_strides(constants[n])) for n in given]

    def step(*arrays: Array) -> list[Array]:
        tensors = list(constants)
        for n, array in zip(given, arrays, strict=False):
            tensors[n] = array
        for n, fill in filled.items():
            tensors[n] = fill()
        return replay(tensors, arrays[len(given) :])

    with torch.inference_mode(False), torch.no_grad():
        native = by_inductor(step, [*held, *arrays], mode)

    if mode not in CUDA_GRAPHS:
        return lambda *arrays: list(native(*held, *arrays))

    def replayed(*arrays: Array) -> list[Array]:
        torch.compiler.cudagraph_mark_step_begin()
        return [result.clone() for result in native(*held, *arrays)]  # which the graph writes over at its next run

    return replayed


def by_inductor(step: Callable[..., list[Array]], arrays: Sequence[Array], mode: str) -> Callable[..., Any]:
    """The calls of a step as a graph, compiled; by ``torch.compile`` where PyTorch does not give its compiler apart."""
    from torch._dynamo.convert_frame import compile_lock  # here: the compiler takes seconds to import
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    with FakeTensorMode():  # tensors without contents
        stand_ins = [torch.empty_strided(a.shape, a.stride(), dtype=a.dtype, device=a.device) for a in arrays]
    with compile_lock:  # against torch.compile in another thread
        graph = make_fx(step, tracing_mode="fake")(*stand_ins)
        try:
            from torch._inductor import compile as inductor
            from torch._inductor import list_mode_options
        except ImportError:
            native: Callable[..., Any] = torch.compile(graph, mode=mode, dynamic=False, fullgraph=True)
        else:
            native = inductor(graph, stand_ins, options=list_mode_options(mode))
        return native


def filling(constant: Any) -> Fill | None:
    """What makes a tensor that has one number everywhere, bit for bit; None for any other constant."""
    if not isinstance(constant, torch.Tensor) or constant.numel() == 0 or constant.is_complex():
        return None
    if constant.is_inference():  # nobody could tell later whether it has been written to
        return None
    first = constant.reshape(-1)[0]
    if not ((constant == first).all() and (constant.signbit() == first.signbit()).all()):  # NaN is not equal to itself
        return None
    return partial(torch.full, constant.shape, first.item(), dtype=constant.dtype, device=constant.device)
