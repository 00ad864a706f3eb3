"""JAX on its usual device, on one by platform and number, ``jax:cpu``, ``jax:gpu:1``, or on several that work as one.

JAX narrows float64 to float32 unless its x64 mode is on. This package keeps the dtype that it is fed, so it switches
x64 on when it is the first to import JAX and JAX_ENABLE_X64 is not set; a program that imported JAX before keeps its
own choice, and float64 fed to it is then an error (see ``storable``).

On a GPU JAX would compute float32 products in TF32, with 10 bits of mantissa. Here they are true float32, as on every
other backend, unless MINIFLOW_PRECISION or JAX's own jax_default_matmul_precision says otherwise.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, ClassVar

if "jax" not in sys.modules and "JAX_ENABLE_X64" not in os.environ:
    import jax

    jax.config.update("jax_enable_x64", True)

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from miniflow_xp.arrays.refusals import contents_wanted
from miniflow_xp.backend import AS_IT_IS, Array, Backend, Capture, Uploader
from miniflow_xp.backends.jax.dispatch import JaxDispatch
from miniflow_xp.backends.jax.loops import rolled, told
from miniflow_xp.backends.jax.parts import LARGE, InParts
from miniflow_xp.backends.jax.placing import Placing, chosen
from miniflow_xp.backends.jax.replay import evaluate, recorded
from miniflow_xp.backends.precision import tf32_wanted
from miniflow_xp.errors import DeviceNumberError, NoDeviceError
from miniflow_xp.recording.fallback import captured_or_plain
from miniflow_xp.system.collector import no_garbage_collection
from miniflow_xp.system.locks import lock

WIDE = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


class JaxBackend(Backend):
    """jax.Array; device: anything that ``jax.devices`` lists; with ``devices``, several of its kind."""

    name = "jax"
    array_type = jax.Array
    xp = jnp
    options: ClassVar[Mapping[str, str]] = {
        "devices": "'all', how many, or numbers such as '0,2': the rows of data are dealt to them",
        "split_parameters": "True splits parameters and slots over the devices, to save memory",
    }

    def __init__(
        self, device: str | None = None, devices: str | int | None = None, split_parameters: bool = False
    ) -> None:
        self._device = usable_device(device)
        self.placing = Placing(chosen(self._device, devices), bool(split_parameters))
        self.narrows = self._device.platform != "cpu"  # float32 products, unless it is asked not to
        self.processes = len({device.process_index for device in self.placing.devices})
        self.device = self.placing.name

    @property
    def default_float(self) -> str:  # type: ignore[override]  # follows jax_enable_x64
        return self.storable("float64")

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        array = jnp.asarray(own(host), dtype=dtype)
        return jax.device_put(array, self.placing.of_data(array.shape))

    def to_numpy(self, array: Array) -> Array:
        if not (array.is_fully_addressable or array.is_fully_replicated):
            array = process_allgather(array, tiled=True)  # all processes ask at the same time
        host = np.asarray(array)
        return host.astype("float32") if host.dtype.name == "bfloat16" else host  # NumPy has no bfloat16

    def fetch(self, arrays: Sequence[Array]) -> list[Array]:
        found: list[Array] = jax.device_get(list(arrays))
        return found

    def on_device(self, array: Array) -> bool:
        return self.follows(array) or array.devices() == set(self.placing.devices)

    def follows(self, array: Array) -> bool:
        return isinstance(array, jax.core.Tracer)

    def place(self, value: object) -> Hashable:
        return getattr(value, "sharding", None)  # ``device`` asks it, and takes a microsecond more

    def storable(self, dtype: str) -> str:
        return dtype if jax.config.jax_enable_x64 else WIDE.get(dtype, dtype)

    def synchronize(self) -> None:
        jax.block_until_ready(jax.live_arrays())  # the CPU runs what it is asked in no fixed order

    @property
    def precision(self) -> str | None:
        """What JAX is asked for where it would narrow float32 products; None where it would not, or the user asked."""
        if not self.narrows or jax.config.jax_default_matmul_precision is not None:
            return None
        return "tensorfloat32" if tf32_wanted() else "highest"

    def activate(self) -> AbstractContextManager[Any]:
        wanted = self.precision
        return jax.default_matmul_precision(wanted) if wanted else AS_IT_IS

    def capture(self, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int) -> Capture:
        return captured_or_plain(JaxCapture, self, function, arrays, state)

    def dispatch(self) -> JaxDispatch:
        return JaxDispatch(self)

    def uploader(self, depth: int) -> Uploader | None:  # noqa: ARG002  JAX limits by itself how far ahead it runs
        return None if self._device.platform == "cpu" else Uploader(self)

    def describe(self) -> str:
        return f"JAX {jax.__version__} on {self._device.device_kind} ({self.device})"


class JaxCapture(Capture):
    """The whole step under ``jax.jit``; the state that it renews is donated: its memory is used for the new state.

    ``_done`` holds the list that the last call gave: the states that each call renews, then the results.
    """

    traced: Callable[[Sequence[Array]], list[Array]] | None = None
    """It without state, for ``jax.jit`` to compile as a part of a function; None where it is compiled in parts."""

    def __init__(
        self, backend: JaxBackend, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int
    ) -> None:
        self.backend, self.placing = backend, backend.placing
        held, others = [self._as_state(a) for a in arrays[:state]], list(arrays[state:])
        self._turn = lock() if state else AS_IT_IS
        self._parts: InParts | None = None
        self._renewed: list[int] = []
        try:  # what is wrong shows here, not at the first call
            with backend.activate():
                equations = recorded(function, arrays)
                run: Callable[..., Sequence[Array]] = partial(function, jnp)
                if equations is None:
                    jax.eval_shape(partial(self._look, run), held, others)
                else:
                    values, results = equations
                    arguments = [v for v in values if v.op == "argument"]
                    weak = [v for v, a in zip(arguments, arrays, strict=True) if getattr(a, "weak_type", False)]
                    values = rolled(values, results, arguments[:state], weak)
                    run = partial(evaluate, values, results)
                    self._renewed = changed(arguments[:state], results)
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
            raise contents_wanted(f"({str(error).splitlines()[0]})") from None

        def step(renewed: list[Array], fixed: dict[int, Array], others: Sequence[Array]) -> list[Array]:
            before = fixed | dict(zip(self._renewed, renewed, strict=True))
            results = run(*[before[n] for n in range(state)], *others)
            return [*(self.placing.as_state(results[n]) for n in self._renewed), *results[state:]]

        self._fixed = {n: a for n, a in enumerate(held) if n not in self._renewed}
        if equations is not None and self._is_large(len(values)):
            order = [arguments[n] for n in (*self._renewed, *self._fixed, *range(state, len(arguments)))]
            renewed = {arguments[n]: results[n] for n in self._renewed}
            self._parts = InParts(order, values, [*renewed.values(), *results[state:]], renewed)
            self.how = f"compiled by jax.jit in {self._parts.how}{told(values)}, its state donated"
        else:
            self.how = f"compiled as one by jax.jit{told(values) if equations else ''}, its state donated"
            self.traced = partial(step, [], {})
            self._step = jax.jit(step, donate_argnums=0)
        self._done: deque[list[Array]] = deque([[held[n] for n in self._renewed]], maxlen=1)
        self._ran = False

    def _is_large(self, equations: int) -> bool:
        """Is a step of so many equations compiled in parts?"""
        return equations > LARGE and self.placing.mesh is None and self.backend.device.startswith("cpu")

    def _look(self, run: Callable[..., Sequence[Array]], before: list[Array], others: list[Array]) -> list[Array]:
        """Which state a function renews, found while it is traced."""
        results = list(run(*before, *others))
        self._renewed = changed(before, results)
        return results

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        if self._ran:
            return self._run(arrays)
        with no_garbage_collection():  # JAX traces and compiles: a part of the capture
            results = self._run(arrays)
        self._ran = True
        return results

    def _run(self, arrays: Sequence[Array]) -> Sequence[Array]:
        others = [own(a) for a in arrays]
        with self._turn, self.backend.activate():  # it is compiled for the precision that holds
            count = len(self._renewed)
            if not count:
                results: list[Array] = next(self._making([], others))
                return results
            before = self._done[0][:count]
            if not self._ran:  # JAX compiles, in Python code which Ctrl-C may end: the state is not given away yet
                before = [jnp.copy(a) for a in before]
            # What is given and what comes back change places in C code: Ctrl-C finds one of the two, whole.
            self._done.extend(self._making(before, others))
            return self._done[0][count:]

    def _making(self, before: list[Array], others: list[Array]) -> Iterator[list[Array]]:
        """What a step gives, once, made when it is taken out."""
        if self._parts is not None:
            return self._parts([*before, *self._fixed.values(), *others])
        return map(self._step, (before,), (self._fixed,), (others,))

    def read(self, number: int) -> Array:
        with self._turn:
            where, place = self._place(number)
            return jnp.copy(where[place])

    def write(self, number: int, array: Array) -> None:
        with self._turn:
            where, place = self._place(number)
            where[place] = self._as_state(array)

    def _as_state(self, array: Array) -> Array:
        """A copy where the state lies."""
        return self.placing.as_state(jnp.copy(array))

    def _place(self, number: int) -> tuple[Any, int]:
        if number in self._fixed:
            return self._fixed, number
        return self._done[0], self._renewed.index(number)


def changed(before: Sequence[object], after: Sequence[object]) -> list[int]:
    """The numbers of those that are not the same objects."""
    return [n for n, (old, new) in enumerate(zip(before, after, strict=False)) if new is not old]


def own(array: Array) -> Array:
    """A NumPy array copied: JAX reads it in the background, when its owner may have filled its memory anew."""
    return array.copy() if isinstance(array, np.ndarray) else array


def usable_device(text: str | None) -> jax.Device:
    """The device that ``text`` names: platform, or platform and number; raises NoDeviceError or DeviceNumberError."""
    platform, _, number = (text or "").partition(":")
    where = f"backend 'jax:{text}'"
    try:
        devices = jax.local_devices(backend=platform or None)  # of this process, where there are several
    except RuntimeError as error:
        raise NoDeviceError(
            where,
            f"JAX sees no {platform!r} device",
            str(error).splitlines()[0],
            "Install the JAX build for it (pip install 'jax[cuda13]') and its driver, or choose jax:cpu",
        ) from None
    if number and not (number.isdecimal() and int(number) < len(devices)):
        names = ", ".join(f"jax:{platform}:{n}" for n in range(len(devices)))
        raise DeviceNumberError(
            where, f"there is no device {number!r}", f"devices here: {names}", "Choose one of these"
        )
    return devices[int(number or 0)]
