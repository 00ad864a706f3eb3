"""A step that cannot be recorded runs by the plain loop with all its checks; what is wrong with it is an error."""

import numpy as np
import pytest

from miniflow_xp import CrossEntropy, Elementwise, Input, Linear, Parameter, Program, Trainer, use_backend
from miniflow_xp.errors import DtypeError, LabelError, ShapeError


class Looks(Elementwise):
    """The identity, by a rule that looks at contents: it cannot be recorded."""

    def __init__(self, x, name=None):
        super().__init__([x], name)

    def compute(self, xp, x):
        return x + 0 if float(xp.sum(x)) < 1e9 else x

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient,)


def classifier(first=lambda x: x, dtype=int):
    x, y = Input("x"), Input("y", dtype=dtype)
    W, b = Parameter(np.zeros((3, 2)), "W"), Parameter(np.zeros(2), "b")
    return x, y, CrossEntropy(y, Linear(first(x), W, b), name="cost")


ROWS = np.ones((4, 3))


def test_labels_that_are_no_integers_are_refused_when_a_step_is_frozen(backend):
    x, y, cost = classifier(dtype=None)
    with pytest.raises(DtypeError, match="'cost'"):
        Program(cost)({x: ROWS, y: np.zeros(4)})
    with pytest.raises(DtypeError, match="'cost'"):
        Trainer(cost).step({x: ROWS, y: np.zeros(4)})


@pytest.mark.parametrize("freeze", [Program, lambda cost: Trainer(cost).step], ids=["Program", "Trainer"])
@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_the_plain_loop_checks_as_a_recorded_step_does(freeze, name, request):
    if name != "numpy":
        pytest.importorskip(name)
    with use_backend(name):
        x, y, cost = classifier(Looks)
        run = freeze(cost)
        with pytest.raises(ShapeError, match="'cost'"):
            run({x: ROWS, y: np.zeros(5, int)})
        run({x: ROWS, y: np.zeros(4, int)})
        with pytest.raises(LabelError, match="'cost'"):
            run({x: ROWS, y: np.full(4, 2)})


class Masks(Elementwise):
    """max(x, 0) by an index whose number of elements depends on contents."""

    def __init__(self, x, name=None):
        super().__init__([x], name)

    def compute(self, xp, x):
        return x * (x[x > 0].shape[0] > 0)

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient,)


@pytest.mark.parametrize("rule", [Looks, Masks])
@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_a_rule_that_looks_at_contents_runs_by_the_plain_loop_and_says_so(rule, name):
    pytest.importorskip(name)
    with use_backend(name):
        x, y, cost = classifier(rule)
        program = Program(cost)
        assert float(program({x: ROWS, y: np.zeros(4, int)}).values) == pytest.approx(np.log(2))
        assert "the plain loop, because it cannot be recorded" in program.explain()
        assert len(program.explain().splitlines()) == 1
