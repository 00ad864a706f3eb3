"""Formulas of nodes whose value is a sum over elements: costs, sums and means, and softmax."""

import numpy as np

from miniflow_xp.drawing.summary import number
from miniflow_xp.stepping.formulas.formula import TERMS, Formula, same, signed, summed
from miniflow_xp.stepping.numbers import Place


class Total(Formula):
    """The sum of all elements, or their mean."""

    @property
    def count(self) -> int:
        """What it divides by."""
        return self.inputs[0].size if self.node.kind == "mean" else 1

    def holds(self) -> bool:
        return len(self.inputs) == 1 and same(np.sum(self.inputs[0]) / self.count, self.value)

    def forward_at(self, place: Place) -> str:  # noqa: ARG002  there is one
        x = self.inputs[0].ravel()
        terms = summed([signed(one) for one in x[: TERMS + 1]], x.size)
        return terms if self.count == 1 else f"({terms}) / {self.count}"

    def backward(self, k: int) -> str:  # noqa: ARG002  there is one
        return f"∂{self.own}" + (" / n, everywhere" if self.node.kind == "mean" else ", everywhere")

    def backward_at(self, k: int, place: Place) -> str:  # noqa: ARG002  it is the same for all
        return signed(self.gradient) + (f" / {self.count}" if self.count > 1 else "")


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


class Softmax(Formula):
    """eˣ / Σ eˣ along the last axis."""

    def holds(self) -> bool:
        return len(self.inputs) == 1 and self.value.ndim > 0 and same(softmax(self.inputs[0]), self.value)

    def forward(self) -> str:
        return "exp({0}) / Σ exp({0})".format(*self.names)

    def forward_at(self, place: Place) -> str:
        row = self.inputs[0][place[:-1]]
        terms = summed([f"exp({number(x)})" for x in row[: TERMS + 1]], row.size)
        return f"exp({number(row[place[-1]])}) / ({terms})"

    def backward(self, k: int) -> str:  # noqa: ARG002  there is one
        return f"{self.own} · (∂{self.own} - Σ ∂{self.own} · {self.own})"

    def backward_at(self, k: int, place: Place) -> str:  # noqa: ARG002  there is one
        v, g = self.value[place[:-1]], self.gradient[place[:-1]]
        terms = [f"{signed(a)}·{signed(b)}" for a, b in zip(g[: TERMS + 1], v[: TERMS + 1], strict=True)]
        return f"{number(v[place[-1]])} · ({number(g[place[-1]])} - ({summed(terms, v.size)}))"


class CrossEntropy(Formula):
    """-mean(log softmax(logits)[i, yᵢ]), of integer labels in one row."""

    def holds(self) -> bool:
        if len(self.inputs) != 2 or self.inputs[1].ndim != 2 or self.inputs[0].dtype.kind not in "iu":
            return False
        return same(-np.mean(np.log(self.picked)), self.value)

    @property
    def picked(self) -> np.ndarray:
        """What softmax gives to each label."""
        y, logits = self.inputs
        found: np.ndarray = softmax(logits)[np.arange(y.size), y]
        return found

    def forward(self) -> str:
        return "mean(-log p), where p = softmax({1}) at the label {0}".format(*self.names)

    def forward_at(self, place: Place) -> str:  # noqa: ARG002  there is one
        terms = [f"-log({number(p)})" for p in self.picked[: TERMS + 1]]
        return f"({summed(terms, self.picked.size)}) / {self.picked.size}"

    def backward(self, k: int) -> str:
        return (
            "(softmax({1}) - 1 at the label {0}) · ∂{2} / n".format(*self.names, self.own) if k else super().backward(k)
        )

    def backward_at(self, k: int, place: Place) -> str:
        y, logits = self.inputs
        if k == 0:
            return ""
        less = " - 1" if y[place[0]] == place[1] else " - 0"
        return f"({number(softmax(logits)[place])}{less}) · {signed(self.gradient)} / {y.size}"


def softmax(x: np.ndarray) -> np.ndarray:
    """eˣ / Σ eˣ along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    found: np.ndarray = e / e.sum(axis=-1, keepdims=True)
    return found
