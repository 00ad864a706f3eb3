"""jit: a function recorded once for each signature, and replayed by the capture of its arrays' backend."""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.arrays.refusals import ContentsError
from miniflow_xp.backend import Capture, Dispatch
from miniflow_xp.checks import shown
from miniflow_xp.errors import FollowedError, JitError, SettingError
from miniflow_xp.switch import backend_of, get_backend
from miniflow_xp.system.callers import raising_line
from miniflow_xp.system.collector import no_garbage_collection
from miniflow_xp.system.locks import lock
from miniflow_xp.transforms.pullback import check_function, plain
from miniflow_xp.transforms.signatures import READERS, as_arrays, is_array, is_followed, know, known
from miniflow_xp.transforms.transformed import Transformed, as_numbers
from miniflow_xp.transforms.trees import Build, flatten, form_and_leaves, forms_and_leaves

KEPT = 64  # captures of one function that are kept, for as many signatures

Captured = tuple[Capture, list[Build]]
"""A capture, and what puts its results into the form that the function gave."""

Key = tuple[Hashable, ...]
"""The backend in use, the form of the arguments, and the signature of each array."""


def jit(function: Callable[..., Any], static_argnums: int | Collection[int] = ()) -> "Jitted":
    """f, recorded once for each signature (form, shapes, dtypes, devices) and replayed at the backend's native speed.

    The backend is the one that the arrays belong to: NumPy's plan, ``jax.jit``, PyTorch's calls (compiled, where the
    backend in use is ``torch`` with ``compile=True``), a CUDA graph on CuPy. Python numbers among the arguments become
    arrays, floats as wide as those beside them; ``static_argnums``: positions of arguments that stay as they are, also
    where they come by keyword, and make a signature each. Results that are no arrays are those of the recording. Inside
    of another transformation, also one of JAX's or of ``torch.func``, f runs as a part of it. The function must be
    pure: it is run once for a signature, and what it prints or keeps happens then. Raises JitError where Python code
    depends on the contents of an array.
    """
    check_function(function, "jit")
    return Jitted(function, static_argnums)


class Jitted(Transformed):
    """A function that is recorded and replayed; ``explain()`` says how."""

    def __init__(self, function: Callable[..., Any], static_argnums: int | Collection[int]) -> None:
        super().__init__(function, static_argnums)  # of which a copy records anew
        self.static = positions(static_argnums)
        self._static_names = names_of(function, self.static)
        self._kept: OrderedDict[Key, Captured] = OrderedDict()
        self._dispatches: dict[Hashable, Dispatch | None] = {}
        self._lock = lock()
        self._last: tuple[str, Capture] | None = None

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        arrays: Sequence[Any] = args
        form: Hashable = None  # arrays alone, by position: their number is all there is to it
        if keywords or self.static or not known(args):
            form, arrays = self._entered(args, keywords)
        place = get_backend(), form
        if dispatch := self._dispatches.get(place):
            found, result = dispatch(arrays)
            if found:
                return result
        try:
            if arrays is not args and not known(arrays):
                if leaves(arrays) or any(map(is_followed, arrays)):
                    return self.function(*args, **keywords)
                arrays = as_arrays(arrays)
                know(arrays)
            key = (*place, *[READERS[type(a)](a) for a in arrays])
        except FollowedError:
            return self.function(*args, **keywords)
        run, build = self._kept.get(key) or self._capture(key, args, keywords, arrays)
        if dispatch := self._dispatches.get(place):
            found, result = dispatch.add(arrays, run, build[0])
            if found:
                return result
        return build[0](iter(run(*arrays)))

    def _entered(self, args: Sequence[Any], keywords: dict[str, Any]) -> tuple[Hashable, list[Any]]:
        """The form of all arguments that are not static, and the static ones, to be compared; the leaves."""
        found: list[Any] = []
        if not keywords and not self.static:
            forms = forms_and_leaves(args, found)
            return forms if any(forms) else None, found
        static, named, rest = self._parted(args, keywords)
        form = form_and_leaves(rest, found)
        return (form, *map(self._compared, static.values()), *named, *map(self._compared, named.values())), found

    def _parted(
        self, args: Sequence[Any], keywords: dict[str, Any]
    ) -> tuple[dict[int, Any], dict[str, Any], tuple[list[Any], dict[str, Any]]]:
        """The static arguments by position and by name, and the others, both as they were given."""
        places = self._static(len(args))
        named = {name: keywords[name] for name in sorted(self._static_names & keywords.keys())}
        others = {name: value for name, value in keywords.items() if name not in named} if named else keywords
        return {n: args[n] for n in places}, named, ([arg for n, arg in enumerate(args) if n not in places], others)

    def _static(self, count: int) -> list[int]:
        """The positions of the static ones among ``count`` arguments."""
        return sorted({n % count for n in self.static if -count <= n < count})

    def _compared(self, argument: Any) -> Hashable:
        """A static argument as part of a signature: 1, 1.0 and True are three."""
        try:
            hash(argument)
        except TypeError:
            raise JitError(
                name_of(self.function),
                f"a static argument is {shown(argument)}",
                "static arguments are compared, and can be hashed",
                "Give a tuple for a list, or leave it out of static_argnums",
            ) from None
        inside = tuple(map(self._compared, argument)) if isinstance(argument, tuple) else ()
        return type(argument), argument, inside

    def _capture(self, key: Key, args: Sequence[Any], keywords: dict[str, Any], arrays: Sequence[Any]) -> Captured:
        backend = backend_of(arrays)
        static, named, rest = self._parted(args, keywords)
        rebuild = without_leaves(rest)
        build: list[Build] = []

        def step(_: Any, *given: Any) -> list[Any]:
            whole, others = rebuild(iter([constant(g) for g in given]))
            for n, argument in static.items():
                whole.insert(n, argument)
            try:
                result = self.function(*whole, **others, **named)
            except ContentsError as error:
                raise contents_needed(self.function, error) from None
            build[:] = [build_of(result)]
            return [plain(leaf) for leaf in flatten(result)[0] if is_array(leaf)]

        with no_garbage_collection():  # what a capture is made of stays
            run = backend.capture(step, list(arrays), 0)
        self._last = f"{backend.name}:{backend.device}", run
        with self._lock:
            self._kept[key] = run, build
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
                self._dispatches.clear()
            self._dispatches.setdefault(key[:2], backend.dispatch())
        return run, build

    @property
    def captured(self) -> Capture | None:
        """The last capture."""
        return None if self._last is None else self._last[1]

    def explain(self) -> str:
        """What the last capture did, or why it fell back to the plain loop."""
        if self._last is None:
            return "not captured yet"
        place, run = self._last
        return f"on {place}: {run.how}"

    def __repr__(self) -> str:
        return f"<jit {name_of(self.function)}: {self.explain()}>"


def positions(static_argnums: Any) -> tuple[int, ...]:
    """The positions of static arguments; raises SettingError for what is none."""
    found = as_numbers(static_argnums)
    found = (found,) if isinstance(found, int) else tuple(found) if isinstance(found, Collection) else ("",)
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in found):
        raise SettingError(
            "jit",
            f"static_argnums is {shown(static_argnums)}",
            "it is the position of an argument, or several",
            "Count arguments from 0; those given by keyword are found by their position too",
        )
    return found


def names_of(function: Callable[..., Any], places: Collection[int]) -> set[str]:
    """The names of a function's parameters in these places, as far as it tells them."""
    with suppress(TypeError, ValueError):
        return {name for n, name in enumerate(inspect.signature(function).parameters) if n in places}
    return set()


def without_leaves(tree: Any) -> Build:
    """What puts leaves into the form of a tree, which is not kept itself."""
    found, build = flatten(tree)
    return flatten(build(iter(range(len(found)))))[1]


def build_of(result: Any) -> Build:
    """What puts arrays into the form of a result; what is no array in it stays as it is."""
    found, build = flatten(result)[0], without_leaves(result)
    if all(map(is_array, found)):
        return build
    fixed = [None if is_array(leaf) else (leaf,) for leaf in found]

    def with_others(arrays: Iterator[Any]) -> Any:
        return build(iter([next(arrays) if other is None else other[0] for other in fixed]))

    return with_others


def contents_needed(function: Any, error: ContentsError) -> JitError:
    """The error for Python code that depends on the contents of an array, with the user's line."""
    return JitError(
        f"jit of {name_of(function)}, at {raising_line(error.__traceback__)}",
        error.got,
        "a recorded function is run once, for all contents",
        "Choose by xp.where instead of if, by xp.take instead of a mask; or leave jit out",
    )


def name_of(function: Any) -> str:
    """The name of a function, for people."""
    return str(getattr(function, "__name__", type(function).__name__))
