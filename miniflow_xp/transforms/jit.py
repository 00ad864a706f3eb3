"""jit: a function recorded once for each signature, and replayed by the capture of its arrays' backend."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import wraps
from typing import Any

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.arrays.refusals import ContentsError
from miniflow_xp.backend import Backend, Capture
from miniflow_xp.checks import shown
from miniflow_xp.errors import JitError
from miniflow_xp.switch import backend_of
from miniflow_xp.system.callers import calling_line
from miniflow_xp.system.locks import lock
from miniflow_xp.transforms.pullback import as_array, plain
from miniflow_xp.transforms.trees import flatten, form_of

KEPT = 64  # captures of one function that are kept, for as many signatures


def jit(function: Callable[..., Any], static_argnums: int | Collection[int] = ()) -> "Jitted":
    """f, recorded once for each signature (form, shapes, dtypes, devices) and replayed at the backend's native speed.

    The backend is the one that the arrays belong to: NumPy's plan, ``jax.jit``, PyTorch's calls (compiled, where the
    backend in use is ``torch`` with ``compile=True``), a CUDA graph on CuPy. Python numbers among the arguments become
    arrays; ``static_argnums``: positions of arguments that stay as they are, and make a signature each. Inside of
    another transformation f runs as a part of it. The function must be pure: it is run once for a signature, and what
    it prints or keeps happens then. Raises JitError where Python code depends on the contents of an array.
    """
    return Jitted(function, static_argnums)


class Jitted:
    """A function that is recorded and replayed; ``explain()`` says how."""

    def __init__(self, function: Callable[..., Any], static_argnums: int | Collection[int]) -> None:
        wraps(function)(self)
        self.function = function
        self.static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
        self._kept: OrderedDict[Hashable, tuple[Capture, list[Any]]] = OrderedDict()
        self._lock = lock()
        self._how = "not captured yet"

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        moving = [arg for n, arg in enumerate(args) if n not in self.static]
        found, build = flatten((moving, keywords))
        if leaves(found):
            return self.function(*args, **keywords)
        arrays = [as_array(leaf) for leaf in found]
        backend = backend_of(arrays)
        key = self._signature(args, (moving, keywords), arrays, backend)
        captured = self._kept.get(key)
        if captured is None:
            captured = self._capture(key, backend, args, build, arrays)
        run, form = captured
        return form[0](iter(run(*arrays)))

    def _signature(self, args: Sequence[Any], tree: Any, arrays: Sequence[Any], backend: Backend) -> Hashable:
        static = tuple(args[n] for n in self.static if n < len(args))
        try:
            hash(static)
        except TypeError:
            raise JitError(
                name_of(self.function),
                f"a static argument is {shown(static)}",
                "static arguments are compared, and can be hashed",
                "Give a tuple for a list, or leave it out of static_argnums",
            ) from None
        place = backend.place
        return backend, static, form_of(tree), *[(type(a), tuple(a.shape), a.dtype, place(a)) for a in arrays]

    def _capture(
        self, key: Hashable, backend: Backend, args: Sequence[Any], build: Any, arrays: Sequence[Any]
    ) -> tuple[Capture, list[Any]]:
        form: list[Any] = []

        def step(_: Any, *given: Any) -> list[Any]:
            moving, keywords = build(iter([constant(g) for g in given]))
            whole = list(moving)
            for n in sorted(self.static):
                whole.insert(n, args[n])
            try:
                results, rebuild = flatten(self.function(*whole, **keywords))
            except ContentsError as error:
                raise contents_needed(self.function, error) from None
            form[:] = [rebuild]
            return [plain(r) for r in results]

        run = backend.capture(step, list(arrays), 0)
        self._how = f"on {backend.name}:{backend.device}: {run.how}"
        with self._lock:
            self._kept[key] = run, form
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return run, form

    def explain(self) -> str:
        """What the last capture did, or why it fell back to the plain loop."""
        return self._how

    def __repr__(self) -> str:
        return f"<jit {name_of(self.function)}: {self._how}>"


def contents_needed(function: Any, error: ContentsError) -> JitError:
    """The error for Python code that depends on the contents of an array, with the user's line."""
    return JitError(
        f"jit of {name_of(function)}, at {calling_line()}",
        error.got,
        "a recorded function is run once, for all contents",
        "Choose by xp.where instead of if, by xp.take instead of a mask; or leave jit out",
    )


def name_of(function: Any) -> str:
    """The name of a function, for people."""
    return str(getattr(function, "__name__", type(function).__name__))
