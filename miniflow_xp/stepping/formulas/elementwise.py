"""Formulas of one element at a time, as templates that take names or numbers."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from math import prod
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from miniflow_xp import ops
from miniflow_xp.drawing.summary import number
from miniflow_xp.ops.function import Function, Slot
from miniflow_xp.stepping.formulas.formula import TERMS, Formula, same, signed, summed
from miniflow_xp.stepping.numbers import Place

TWICE = re.compile(r"\(\((-[^()]*)\)\)")

Templates = tuple[str, list[str]]
"""A value, and what is handed on to each input: {0}, {1} … are the inputs, {v} the value, {g} the gradient of it."""


class Elementwise(Formula):
    """A value at a place from the inputs at that place. ``operands``: the inputs, with the numbers among them."""

    def __init__(self, *given: Any, templates: Templates, compute: Callable[..., Any]) -> None:
        super().__init__(*given)
        self.template, self.slopes = templates
        self.compute = compute
        self.operands, self.words = list(self.inputs), list(self.names)  # of the template

    def holds(self) -> bool:
        return same(self.compute(*self.inputs), self.value)

    def forward(self) -> str:
        return self.template.format(*self.words)

    def forward_at(self, place: Place) -> str:
        return filled(self.template, self.numbers(place))

    def backward(self, k: int) -> str:
        words = self.slopes[k].format(*self.words, v=self.own, g=f"∂{self.own}")
        return words if self.inputs[k].shape == self.value.shape else f"Σ {words}, over the axes that were repeated"

    def backward_at(self, k: int, place: Place) -> str:
        shape = self.inputs[k].shape
        terms = []
        for reader in places_that_read(place, shape, self.value.shape):
            v, g = signed(self.value[reader]), signed(self.gradient[reader])
            terms.append(filled(self.slopes[k], self.numbers(reader), v=v, g=g))
        return summed(terms, prod(self.value.shape) // prod(shape))

    def numbers(self, place: Place) -> list[str]:
        """The inputs at an element of the value."""
        return [signed(np.broadcast_to(x, self.value.shape)[place]) for x in self.operands]


SUM, PRODUCT = " + ", " · "


def joined(sign: str, count: int) -> str:
    """A template of all inputs: ``{0} + {1}``."""
    return sign.join(f"{{{n}}}" for n in range(count))


def others(k: int, count: int) -> str:
    """A template of the gradient times all inputs but one."""
    return PRODUCT.join(["{g}", *(f"{{{n}}}" for n in range(count) if n != k)])


TEMPLATES: dict[str, Templates] = {
    "Sub": ("{0} - {1}", ["{g}", "-{g}"]),
    "Neg": ("-{0}", ["-{g}"]),
    "Sigmoid": ("1 / (1 + exp(-{0}))", ["{g} · {v} · (1 - {v})"]),
    "Tanh": ("tanh({0})", ["{g} · (1 - {v}²)"]),
    "ReLU": ("max({0}, 0)", ["({g} if {0} > 0 else 0)"]),
}
"""Of nodes, by class: the value, and what is handed on to each input."""

OF_MANY: dict[str, Callable[[int], Templates]] = {
    "Add": lambda n: (joined(SUM, n), ["{g}"] * n),
    "Mul": lambda n: (joined(PRODUCT, n), [others(k, n) for k in range(n)]),
}
"""Of nodes of n inputs."""

FUNCTIONS: dict[str, Templates] = {
    "add": ("{0} + {1}", ["{g}", "{g}"]),
    "subtract": ("{0} - {1}", ["{g}", "-{g}"]),
    "multiply": ("{0} · {1}", ["{g} · {1}", "{g} · {0}"]),
    "divide": ("{0} / {1}", ["{g} / {1}", "-{g} · {v} / {1}"]),
    "pow": ("{0}^{1}", ["{g} · {1} · {0}^({1} - 1)", "{g} · {v} · log({0})"]),
    "negative": ("-{0}", ["-{g}"]),
    "exp": ("exp({0})", ["{g} · {v}"]),
    "log": ("log({0})", ["{g} / {0}"]),
    "log1p": ("log(1 + {0})", ["{g} / (1 + {0})"]),
    "sqrt": ("√{0}", ["{g} / (2 · {v})"]),
    "square": ("{0}²", ["{g} · 2 · {0}"]),
    "sin": ("sin({0})", ["{g} · cos({0})"]),
    "cos": ("cos({0})", ["-{g} · sin({0})"]),
    "tanh": ("tanh({0})", ["{g} · (1 - {v}²)"]),
    "abs": ("|{0}|", ["{g} · sign({0})"]),
}
"""Of functions of the Array API, by name."""


def of_class(name: str, given: tuple[Any, ...]) -> Elementwise | None:
    """That of nodes whose class has this name; None where there is none."""
    node, _, _, inputs, _ = given
    if name not in TEMPLATES and name not in OF_MANY:
        return None
    ours: Any = getattr(ops, name)
    templates = TEMPLATES[name] if name in TEMPLATES else OF_MANY[name](len(inputs))
    return Elementwise(*given, templates=templates, compute=lambda *x: ours.compute(node, xp, *x))


def of_function(given: tuple[Any, ...]) -> Elementwise | None:
    """That of a function of the Array API, some of whose arguments may be numbers; None where there is none."""
    node: Function = given[0]
    template, slopes = FUNCTIONS.get(node.op, ("", []))
    is_plain = len(node.args) == len(slopes) and all(type(a) is Slot or isinstance(a, int | float) for a in node.args)
    if not is_plain or node.keywords or node.part is not None:
        return None
    places = [n for n, argument in enumerate(node.args) if type(argument) is Slot]
    found = Elementwise(
        *given, templates=(template, [slopes[n] for n in places]), compute=lambda *x: node.compute(xp, *x)
    )
    found.operands = [found.inputs[a.place] if type(a) is Slot else np.asarray(a) for a in node.args]
    found.words = [found.names[a.place] if type(a) is Slot else number(a) for a in node.args]
    return found


def filled(template: str, numbers: Sequence[str], **others: str) -> str:
    """A template with numbers; those that stand in parentheses already get no others."""
    return TWICE.sub(r"(\1)", template.format(*numbers, **others))


def places_that_read(place: Place, shape: Place, of: Place) -> Iterator[Place]:
    """The first elements of a value of shape ``of`` that read the element ``place`` of an input broadcast to it."""
    extra = len(of) - len(shape)
    inner = [range(m) if n == 1 else range(i, i + 1) for i, n, m in zip(place, shape, of[extra:], strict=True)]
    return islice(product(*map(range, of[:extra]), *inner), TERMS + 1)
