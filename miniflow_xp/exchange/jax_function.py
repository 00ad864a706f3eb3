"""A function of arrays of any library as a function of JAX's arrays, whose transformations take our gradients."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import wraps
from typing import Any

import jax
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.checks import shown
from miniflow_xp.errors import DtypeError, FeedError, MiniflowError, ShapeError
from miniflow_xp.exchange.pure import Flat, Flattened, flattened, pullback_of, running, value_of
from miniflow_xp.switch import to_numpy
from miniflow_xp.system.locks import lock
from miniflow_xp.transforms.trees import flatten, form_of

KEPT = 256  # signatures that a function is kept for
Forms = Sequence[jax.ShapeDtypeStruct]


def jax_function(function: Callable[..., Any], backend: Backend | None, like: Any) -> Callable[..., Any]:
    """``function`` on JAX's arrays; it runs on ``backend`` by a callback, or in JAX itself where there is none."""
    made: OrderedDict[Hashable, Any] = OrderedDict()
    turn = lock()

    @wraps(function)
    def on_arrays(*args: Any, **keywords: Any) -> Any:
        flat, arrays = flattened(function, args, keywords, is_own)
        key = key_of(flat, arrays, args, keywords)
        with turn:
            if key not in made:
                told = flattened(like, args, keywords, is_own)[0] if like and backend else None
                made[key] = with_gradient(flat, backend, told), told or flat
            run, form = made[key]
            if len(made) > KEPT:
                made.popitem(last=False)
        results = run(*arrays)
        return form.build(iter(results))

    return on_arrays


def is_own(leaf: Any) -> bool:
    """Is this an array of JAX, recorded or not, or one of NumPy?"""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def key_of(flat: Flattened, arrays: Sequence[Any], args: Any, keywords: Any) -> Hashable:
    """What a function depends on besides the contents of its arrays."""
    try:
        hash(flat.others)
    except TypeError:
        raise FeedError(
            "a function for JAX",
            f"its arguments hold {shown(flat.others)}",
            "what is no array is compared from call to call, and can be hashed",
            "Give numbers and text, or close over it: lambda x: f(x, it)",
        ) from None
    shapes = tuple([(tuple(a.shape), str(a.dtype)) for a in arrays])
    places = tuple(map(is_own, flatten((args, keywords))[0]))
    return form_of((args, keywords)), places, shapes, flat.others, tuple(map(type, flat.others))


def with_gradient(flat: Flat, backend: Backend | None, like: Any = None) -> Callable[..., Any]:
    """A function of arrays as a ``jax.custom_vjp``; its pullback is another one, so that it can go on."""
    call = in_jax(flat) if backend is None else by_callback(flat, backend, like)
    found: Any = jax.custom_vjp(call)
    made: dict[Hashable, Any] = {}

    def forward(*arrays: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return found(*arrays), arrays  # this may be differentiated too

    def backward(arrays: tuple[Any, ...], gradients: Sequence[Any]) -> tuple[Any, ...]:
        wanted = [n for n, x in enumerate(arrays) if has_gradient(x)]
        given = [n for n, g in enumerate(gradients) if has_gradient(g)]
        key = (*wanted, None, *given)
        if key not in made:
            pulled = pullback_of(flat, len(arrays), wanted, given)
            made[key] = with_gradient(pulled, backend, lambda *inputs: [inputs[len(given) + n] for n in wanted])
        # JAX's gradient of a complex number is the conjugate of ours
        results = made[key](*[conjugate(gradients[n]) for n in given], *arrays)
        products = dict(zip(wanted, map(conjugate, results), strict=True))
        return tuple([products.get(n) for n in range(len(arrays))])

    found.defvjp(forward, backward)
    run: Callable[..., Any] = found
    return run


def in_jax(flat: Flat) -> Callable[..., list[Any]]:
    """The function where JAX itself computes it."""
    return lambda *arrays: list(value_of(flat, [jax.numpy.asarray(a) for a in arrays]))


def by_callback(flat: Flat, backend: Backend, like: Any) -> Callable[..., list[Any]]:
    """The function where another library computes it, on the host, whenever the compiled program gets there."""
    known: dict[Hashable, list[jax.ShapeDtypeStruct]] = {}

    def call(*arrays: Any) -> list[Any]:
        inputs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays]
        key = tuple([(i.shape, i.dtype) for i in inputs])
        if key not in known:
            check_storable(inputs, backend)
            results = like(*inputs) if like else computed(flat, backend, list(map(sample, inputs)), None)
            known[key] = [jax.ShapeDtypeStruct(r.shape, r.dtype) for r in results]
        forms = known[key]
        check_forms(forms)

        def on_host(*given: Any) -> list[Any]:
            return computed(flat, backend, list(map(np.asarray, given)), forms)

        found: list[Any] = jax.pure_callback(on_host, forms, *arrays, vmap_method="sequential")
        return found

    return call


def computed(flat: Flat, backend: Backend, host: Sequence[Any], forms: Forms | None) -> list[Any]:
    """The results of the function on NumPy arrays, as such; raises ShapeError where they are not what was promised."""
    with running(backend):
        results = value_of(flat, list(map(backend.asarray, host))) if forms is not None else tried(flat, backend, host)
        found = [np.asarray(to_numpy(r)) for r in results]
    for n, (result, form) in enumerate(zip(found, forms or [], strict=forms is not None)):
        if result.shape != form.shape or result.dtype != form.dtype:
            raise ShapeError(
                "a function for JAX",
                f"result {n} is {result.dtype} {result.shape}",
                f"JAX was told {form.dtype} {form.shape}",
                "Shapes and dtypes of results follow from those of the arguments, not from contents",
            )
    return found


def tried(flat: Flat, backend: Backend, host: Sequence[Any]) -> list[Any]:
    """The results on numbers that stand for those to come; raises ShapeError where the function refuses them."""
    try:
        with np.errstate(all="ignore"):
            return value_of(flat, list(map(backend.asarray, host)))
    except MiniflowError:
        raise
    except Exception as error:
        raise ShapeError(
            "a function for JAX",
            f"it was tried on made-up numbers, to see the shapes of its results, and says {error}",
            "JAX has to know shapes and dtypes before there are numbers",
            "Say them: to_jax(f, backend, like=lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype))",
        ) from error


def sample(form: jax.ShapeDtypeStruct) -> Any:
    """Numbers from ½ to 1, all different, and matrices that have an inverse; 0 for integers, True for truth values."""
    shape, dtype = form.shape, form.dtype
    if not np.issubdtype(dtype, np.inexact):
        return np.ones(shape, dtype) if dtype.kind == "b" else np.zeros(shape, dtype)
    count = int(np.prod(shape))
    numbers = (0.5 + (np.arange(count) * 0.6180339887498949 % 1) / 2).reshape(shape)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        numbers = numbers / max(shape[-1], 1) / 2 + np.eye(shape[-1])
    return numbers.astype(dtype)


def check_forms(forms: Forms) -> None:
    """Raise DtypeError for a dtype that JAX would narrow."""
    for form in forms:
        if jax.dtypes.canonicalize_dtype(form.dtype) != form.dtype:
            raise DtypeError(
                "a function for JAX",
                f"its result is {form.dtype}",
                f"JAX, without 64 bits, would take it as {jax.dtypes.canonicalize_dtype(form.dtype)}",
                "Switch 64 bits on, JAX_ENABLE_X64=1, or let the function give float32",
            )


def check_storable(inputs: Forms, backend: Backend) -> None:
    """Raise DtypeError for a dtype that the other library has not."""
    for form in inputs:
        name = str(form.dtype)
        if backend.storable(name) != name:
            raise DtypeError(
                "a function for JAX",
                f"it is given {name}",
                f"{backend.name} would take it as {backend.storable(name)}",
                "Convert the array, or leave backend out: the function runs in JAX",
            )


def has_gradient(array: Any) -> bool:
    """Is this an array of floats, or of complex numbers?"""
    return bool(jax.numpy.issubdtype(array.dtype, jax.numpy.inexact))


def conjugate(array: Any) -> Any:
    """The conjugate of a complex array; others as they are."""
    return jax.numpy.conj(array) if jax.numpy.iscomplexobj(array) else array
