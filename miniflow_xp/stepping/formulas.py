"""A node's formula, with names and with the numbers put in; forward, and of the gradient that it hands on.

Which formula a node has, its class says, or one with the same name: a learner's own ``Sigmoid`` has that of ours where
its value is what the formula gives. Others have the first line of their docstring.
"""

import re
from collections.abc import Callable, Sequence
from inspect import cleandoc
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from miniflow_xp import ops
from miniflow_xp.node import Node
from miniflow_xp.ops.function import Function, Slot
from miniflow_xp.stepping.numbers import compact, number, table

TERMS = 4
"""How many terms of a sum are written out."""

TWICE = re.compile(r"\(\((-[^()]*)\)\)")

Place = tuple[int, ...]


class Formula:
    """What a node computes. ``names``: those of its inputs, ``own``: its own; arrays are those of one pass."""

    def __init__(
        self, node: Node, names: Sequence[str], own: str, inputs: Sequence[np.ndarray], value: np.ndarray
    ) -> None:
        self.node, self.names, self.own, self.inputs, self.value = node, names, own, inputs, value
        self.gradient = np.ones_like(value)

    def holds(self) -> bool:
        """Is it what the node computed?"""
        return True

    def forward(self) -> str:
        """The right side, with names."""
        return self.node.spelled(self.names)

    def forward_at(self, place: Place) -> str:  # noqa: ARG002  for those that tell elements apart
        """The same for an element, with the numbers put in; empty where elements are not told apart."""
        return ""

    def backward(self, k: int) -> str:
        """What is handed on to input number k, with names."""
        return f"∂{self.own} · ∂{self.own}/∂{self.names[k]}"

    def backward_at(self, k: int, place: Place) -> str:  # noqa: ARG002  likewise
        """The same for an element, with the numbers put in; empty where it is not known."""
        return ""


class Described(Formula):
    """Any node: the formula that its docstring begins with, and the numbers put in as whole arrays."""

    def forward(self) -> str:
        words = docstring(self.node)
        return super().forward() + (f", where {self.node.kind} is {words}" if words else "")

    def whole(self) -> str:
        """The equation with the arrays put in; empty where they are large."""
        if any(table(x).more for x in (*self.inputs, self.value)):
            return ""
        return f"{self.own} = {self.node.spelled([compact(x) for x in self.inputs])} = {compact(self.value)}"


class Elementwise(Formula):
    """Templates in {0}, {1} … for the inputs, {v} for the value and {g} for the gradient that has arrived."""

    def __init__(self, *given: Any, templates: tuple[str, list[str]], compute: Callable[..., Any]) -> None:
        super().__init__(*given)
        self.template, self.slopes = templates
        self.compute = compute

    def holds(self) -> bool:
        return same(self.compute(*self.inputs), self.value)

    def forward(self) -> str:
        return self.template.format(*self.names)

    def forward_at(self, place: Place) -> str:
        return filled(self.template, self.numbers(place))

    def backward(self, k: int) -> str:
        words = self.slopes[k].format(*self.names, v=self.own, g=f"∂{self.own}")
        return words if self.inputs[k].shape == self.value.shape else f"Σ {words}, over the axes that were repeated"

    def backward_at(self, k: int, place: Place) -> str:
        readers = places_that_read(place, self.inputs[k].shape, self.value.shape)
        terms = []
        for reader in readers[: TERMS + 1]:
            v, g = signed(self.value[reader]), signed(self.gradient[reader])
            terms.append(filled(self.slopes[k], self.numbers(reader), v=v, g=g))
        return summed(terms, len(readers))

    def numbers(self, place: Place) -> list[str]:
        """The inputs at an element of the value."""
        return [signed(np.broadcast_to(x, self.value.shape)[place]) for x in self.inputs]


class Product(Formula):
    """A B, or X W + b, of vectors and matrices."""

    def holds(self) -> bool:
        if not all(x.ndim in (1, 2) for x in self.inputs[:2]) or len(self.inputs) not in (2, 3):
            return False
        a, b, *bias = self.inputs
        return a.shape[-1] == b.shape[0] and same(a @ b + (bias[0] if bias else 0), self.value)

    def forward(self) -> str:
        a, b, *bias = self.names
        return f"{a} @ {b}" + (f" + {bias[0]}" if bias else "")

    def forward_at(self, place: Place) -> str:
        row, column = self.in_matrix(place)
        a, b = self.matrices()
        terms = [f"{signed(a[row, k])}·{signed(b[k, column])}" for k in range(min(a.shape[1], TERMS + 1))]
        bias = [signed(np.broadcast_to(x, self.value.shape)[place]) for x in self.inputs[2:]]
        return " + ".join([summed(terms, a.shape[1]), *bias])

    def backward(self, k: int) -> str:
        a, b = self.names[:2]
        return (f"∂{self.own} @ {b}ᵀ", f"{a}ᵀ @ ∂{self.own}", f"Σ ∂{self.own}, over the rows")[k]

    def backward_at(self, k: int, place: Place) -> str:
        a, b = self.matrices()
        g = self.gradient.reshape(a.shape[0], b.shape[1])
        if k == 2:
            readers = places_that_read(place, self.inputs[2].shape, self.value.shape)
            return summed([signed(self.gradient[reader]) for reader in readers[: TERMS + 1]], len(readers))
        if k == 0:
            row, inner = place if len(place) == 2 else (0, place[0])
            pairs = zip(g[row], b[inner], strict=True)
        else:
            inner, column = place if len(place) == 2 else (place[0], 0)
            pairs = zip(a[:, inner], g[:, column], strict=True)
        terms = [f"{signed(x)}·{signed(y)}" for x, y in pairs]
        return summed(terms, len(terms))

    def matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Both factors with two axes: a vector on the left is a row, on the right a column."""
        a, b = self.inputs[:2]
        return np.atleast_2d(a), b.reshape(b.shape[0], -1)

    def in_matrix(self, place: Place) -> tuple[int, int]:
        """Row and column of an element of the value."""
        row = place[0] if self.inputs[0].ndim == 2 else 0
        return row, place[-1] if self.inputs[1].ndim == 2 else 0


class MeanSquare(Formula):
    """mean((y - a)²), of as many numbers in y as in a."""

    def holds(self) -> bool:
        if len(self.inputs) != 2 or self.inputs[0].size != self.inputs[1].size:
            return False
        return same(np.mean(self.difference() ** 2), self.value)

    def difference(self) -> np.ndarray:
        """y - a, in one row."""
        y, a = self.inputs
        found: np.ndarray = y.ravel().astype(float) - a.ravel().astype(float)
        return found

    def forward(self) -> str:
        return "mean(({} - {})²)".format(*self.names)

    def forward_at(self, place: Place) -> str:  # noqa: ARG002  there is one
        y, a = (x.ravel() for x in self.inputs)
        terms = [f"({number(t)} - {signed(o)})²" for t, o in zip(y[: TERMS + 1], a[: TERMS + 1], strict=True)]
        return f"({summed(terms, y.size)}) / {y.size}"

    def backward(self, k: int) -> str:
        return ("", "-")[k] + "2/n · ({} - {}) · ∂{}".format(*self.names, self.own)

    def backward_at(self, k: int, place: Place) -> str:
        n = int(np.ravel_multi_index(place, self.inputs[k].shape)) if place else 0
        y, a = (x.ravel()[n] for x in self.inputs)
        return f"{('', '-')[k]}2/{self.inputs[0].size} · ({number(y)} - {signed(a)}) · {signed(self.gradient)}"


SUM, PRODUCT = " + ", " · "


def joined(sign: str, count: int) -> str:
    """A template of all inputs: ``{0} + {1}``."""
    return sign.join(f"{{{n}}}" for n in range(count))


def others(k: int, count: int) -> str:
    """A template of the gradient times all inputs but one."""
    return PRODUCT.join(["{g}", *(f"{{{n}}}" for n in range(count) if n != k)])


TEMPLATES: dict[str, tuple[str, list[str]]] = {
    "Sub": ("{0} - {1}", ["{g}", "-{g}"]),
    "Neg": ("-{0}", ["-{g}"]),
    "Sigmoid": ("1 / (1 + exp(-{0}))", ["{g} · {v} · (1 - {v})"]),
    "Tanh": ("tanh({0})", ["{g} · (1 - {v}²)"]),
    "ReLU": ("max({0}, 0)", ["({g} if {0} > 0 else 0)"]),
}
"""Of nodes, by class: the value, and what is handed on to each input."""

OF_MANY: dict[str, Callable[[int], tuple[str, list[str]]]] = {
    "Add": lambda n: (joined(SUM, n), ["{g}"] * n),
    "Mul": lambda n: (joined(PRODUCT, n), [others(k, n) for k in range(n)]),
}
"""Of nodes of n inputs."""

FUNCTIONS: dict[str, tuple[str, list[str]]] = {
    "add": ("{0} + {1}", ["{g}", "{g}"]),
    "subtract": ("{0} - {1}", ["{g}", "-{g}"]),
    "multiply": ("{0} · {1}", ["{g} · {1}", "{g} · {0}"]),
    "divide": ("{0} / {1}", ["{g} / {1}", "-{g} · {v} / {1}"]),
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

WHOLE: dict[str, type[Formula]] = {"Linear": Product, "MatMul": Product, "MSE": MeanSquare}


def formula_of(node: Node, names: Sequence[str], own: str, inputs: Sequence[np.ndarray], value: np.ndarray) -> Formula:
    """The formula of a node that computed ``value`` from ``inputs``."""
    given = node, names, own, inputs, value
    if isinstance(node, Function):
        return of_function(given) or Described(*given)
    for name in (kind.__name__ for kind in type(node).__mro__):
        found = candidate(name, given)
        if found is not None and agrees(found):
            return found
    return Described(*given)


def candidate(name: str, given: tuple[Any, ...]) -> Formula | None:
    """The formula of a class of this name; None where there is none."""
    node, _, _, inputs, _ = given
    if name in WHOLE:
        return WHOLE[name](*given)
    if name not in TEMPLATES and name not in OF_MANY:
        return None
    ours: Any = getattr(ops, name)
    templates = TEMPLATES[name] if name in TEMPLATES else OF_MANY[name](len(inputs))
    return Elementwise(*given, templates=templates, compute=lambda *x: ours.compute(node, xp, *x))


def of_function(given: tuple[Any, ...]) -> Formula | None:
    """That of a function of the Array API, whose inputs may be numbers; None for one without a template."""
    node, _, _, inputs, _ = given
    plain = all(type(item) is Slot for item in node.args) and not node.keywords and node.part is None
    if node.op not in FUNCTIONS or not plain or len(inputs) != len(FUNCTIONS[node.op][1]):
        return None
    found = Elementwise(*given, templates=FUNCTIONS[node.op], compute=lambda *x: node.compute(xp, *x))
    return found if agrees(found) else None


def agrees(formula: Formula) -> bool:
    """Does a formula hold? One that cannot be computed for these inputs does not."""
    try:
        with np.errstate(all="ignore"):
            return formula.holds()
    except Exception:  # a learner's class of this name may take anything
        return False


def same(found: Any, value: np.ndarray) -> bool:
    """Are these the same numbers, but for rounding?"""
    found = np.asarray(found)
    tolerance = 1e-4 if value.dtype.itemsize <= 4 else 1e-9
    return found.shape == value.shape and bool(np.allclose(found, value, tolerance, tolerance, equal_nan=True))


def docstring(node: Node) -> str:
    """The formula that the docstring of a node's class begins with; of ours it ends at a semicolon."""
    text = "" if isinstance(node, Function) else type(node).__dict__.get("__doc__") or ""
    return cleandoc(text).partition("\n")[0].partition(";")[0].removesuffix(".").replace("``", "")


def filled(template: str, numbers: Sequence[str], **others: str) -> str:
    """A template with numbers; those that stand in parentheses already get no others."""
    return TWICE.sub(r"(\1)", template.format(*numbers, **others))


def places_that_read(place: Place, shape: Place, of: Place) -> list[Place]:
    """The elements of a value of shape ``of`` that read the element ``place`` of an input broadcast to it."""
    if shape == of:
        return [place]
    extra = len(of) - len(shape)
    spans = [range(n) for n in of[:extra]]
    for i, n, m in zip(place, shape, of[extra:], strict=True):
        spans.append(range(m) if n == 1 != m else range(i, i + 1))
    found: list[Place] = [()]
    for span in spans:
        found = [(*before, n) for before in found for n in span]
    return found


def signed(x: object) -> str:
    """A number as it stands in a formula: a negative one in parentheses."""
    text = number(x)
    return f"({text})" if text.startswith("-") else text


def summed(terms: Sequence[str], count: int) -> str:
    """A sum of ``count`` terms, of which the first few are written out."""
    if count <= TERMS + 1:
        return " + ".join(terms[:count])
    return " + ".join(terms[:TERMS]) + f" + … {count - TERMS} more"
