"""Functions: value and gradient of models, by ours and by the other libraries that differentiate.

The text of a model is the same for all but HIPS/autograd, which does not know the Array API, and but for models of many
steps in JAX, whose users scan.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from miniflow_xp.backend import Backend

Step = Callable[[], list[Any]]
"""Value and gradients, which the device may not have finished."""


class Model(NamedTuple):
    """A module of ``models``, by the size that scales; ``compiled``: the sizes for which torch.compile takes part."""

    name: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...] = ()
    compiled: tuple[int, ...] = ()

    @property
    def module(self) -> Any:
        """Its ``loss`` and ``problem``."""
        return import_module(f"{__name__}.models.{self.name}")


MODELS = (
    Model("elementwise", (1_000, 100_000, 10_000_000), (1_000, 100_000), (1_000, 100_000, 10_000_000)),
    Model("logistic_regression", (200, 20_000), (200,), (200, 20_000)),
    Model("gaussian_process", (50, 500), (50,), (50, 500)),
    Model("matrix_factorisation", (60, 600), (60,), (60, 600)),
    Model("attention", (16, 128), (16,), (16, 128)),
    Model("convolution", (16, 64), (16,), (16, 64)),
    # these last, and not compiled by PyTorch: it takes minutes for the steps, unrolled
    Model("lotka_volterra", (200,)),
    Model("kalman_filter", (200,)),
)

CONTESTANTS: dict[str, dict[str, str]] = {
    "ours": {"*": "ours:captured"},
    "ours, eager": {"numpy": "ours:eager", "torch": "ours:eager"},
    "ours, compiled": {"torch": "ours:compiled"},
    "HIPS/autograd": {"numpy": "hips:value_and_gradient"},
    "autograd": {"torch": "in_torch:autograd"},
    "torch.func": {"torch": "in_torch:functional"},
    "torch.compile": {"torch": "in_torch:compiled"},
    "torch.func, compiled": {"torch": "in_torch:functional_compiled"},
    "jit": {"jax": "in_jax:jitted"},
}
"""{contestant: {backend, or * for all: "module:function" in this folder}}."""

NEEDS = {"HIPS/autograd": "autograd"}  # packages of contestants, which are left out without them
COMPILED = ("ours, compiled", "torch.compile", "torch.func, compiled")  # their first calls take many seconds


def backends_of(contestant: str) -> tuple[str, ...]:
    """The backends on which it can run; empty where on all."""
    return tuple(name for name in CONTESTANTS[contestant] if name != "*")


def step_of(contestant: str, model: Model, size: int, backend: Backend) -> Step:
    """The contestant's step on a backend, which is in use; its data lies on the device."""
    where = CONTESTANTS[contestant]
    module, _, function = where.get(backend.name, where.get("*", "")).partition(":")
    make: Callable[[Model, int, Backend], Step] = getattr(import_module(f"{__name__}.{module}"), function)
    return make(model, size, backend)


def model_of(name: str) -> Model:
    """The model of this name."""
    return next(model for model in MODELS if model.name == name)


def pairs(quick: bool) -> Iterator[tuple[Model, int, str]]:
    """(model, size, contestant) of all that are measured here: every model's smallest size, then larger ones."""
    sizes = {model: model.quick if quick else model.sizes for model in MODELS}
    for turn in range(max(map(len, sizes.values()))):
        for model, size in [(model, own[turn]) for model, own in sizes.items() if turn < len(own)]:
            for contestant in CONTESTANTS:
                compiles = contestant in COMPILED
                if is_there(contestant) and (not compiles or (size in model.compiled and not quick)):
                    yield model, size, contestant


def is_there(contestant: str) -> bool:
    """Is the package installed that a contestant needs besides its backend?"""
    return contestant not in NEEDS or find_spec(NEEDS[contestant]) is not None
