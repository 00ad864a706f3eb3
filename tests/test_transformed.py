"""What transformations make of functions: it is copied, pickled, a method of a class, and tells of the function."""

import copy
import functools
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.errors import DifferentiationError

X = np.array([0.3, 0.5, 0.9])


def cubes(x, n=3.0):
    return (x**n).sum()


@mf.jit
def decorated(x):
    return x + 1


class Decorated:
    """Functions of a class are methods, whatever was made of them."""

    scale = 2.0

    @mf.grad
    def gradient_of_self(self, x):
        return (x * x).sum()

    @functools.partial(mf.grad, argnums=1)
    def gradient(self, x):
        return (self.scale * x * x).sum()

    @functools.partial(mf.jit, static_argnums=0)
    def recorded(self, x):
        return self.scale * x

    @mf.custom_vjp
    def ruled(self, x):
        return (self.scale * x * x).sum()

    @mf.checkpoint
    def forgotten(self, x):
        return (self.scale * x * x).sum()


Decorated.ruled.defvjp(lambda self, x: (self.ruled.__func__.function(self, x), x), lambda x, g: (None, 7 * g * x))

MADE = {
    "grad": lambda: mf.grad(cubes),
    "grad with aux": lambda: mf.grad(with_aux, has_aux=True),
    "value_and_grad": lambda: mf.value_and_grad(cubes, argnums=(0,)),
    "jacobian": lambda: mf.jacobian(cubes),
    "hessian": lambda: mf.hessian(cubes),
    "checkpoint": lambda: mf.checkpoint(cubes),
    "jit of grad": lambda: mf.jit(mf.grad(cubes)),
    "custom_vjp": lambda: custom_cubes(),
    "decorated": lambda: decorated,
    "method": lambda: Decorated.recorded,
    "bound method": lambda: Decorated().gradient,
}


def with_aux(x):
    return cubes(x), x


def forward(x, n=3.0):
    return cubes(x, n), (x, n)


def backward(kept, g):
    x, n = kept
    return g * n * x ** (n - 1), None


def custom_cubes():
    made = mf.custom_vjp(cubes)
    made.defvjp(forward, backward)
    return made


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_a_function_is_copied_and_pickled(name, way):
    made = MADE[name]()
    args = (Decorated(), X) if name == "method" else (X,)
    for got, expected in zip(*[mf.transforms.trees.flatten(f(*args))[0] for f in (way(made), made)], strict=True):
        np.testing.assert_array_equal(got, expected)
    if name == "custom_vjp":
        np.testing.assert_array_equal(mf.grad(way(made))(X), mf.grad(cubes)(X))


def test_another_process_takes_a_gradient(tmp_path, monkeypatch):
    """As one of a pool: the function goes there by its name, what is made of it by that."""
    (tmp_path / "energies.py").write_text("def energy(x):\n    return x * x\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sent = pickle.dumps(mf.jit(mf.grad(importlib.import_module("energies").energy)))
    code = f"import pickle, sys; sys.path.insert(0, {str(tmp_path)!r}); print(pickle.load(sys.stdin.buffer)(2.0))"
    run = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    assert float(run.stdout) == 4


def test_what_is_made_of_a_local_function_says_that_that_is_not_pickled():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(mf.grad(lambda x: x))


def test_what_is_made_of_a_function_is_a_method_in_a_class():
    made = Decorated()
    np.testing.assert_array_equal(made.gradient(X), 4 * X)
    np.testing.assert_array_equal(made.recorded(X), 2 * X)
    np.testing.assert_array_equal(mf.grad(made.forgotten)(X), 4 * X)
    np.testing.assert_array_equal(mf.grad(made.ruled)(X), 7 * X)
    with pytest.raises(DifferentiationError, match="it is a Decorated"):
        made.gradient_of_self(X)


@pytest.mark.parametrize("make", [mf.grad, mf.value_and_grad, mf.jacobian, mf.hessian, mf.jit, mf.checkpoint])
def test_what_is_made_of_a_function_tells_of_it(make):
    def energy(x, scale=2.0):
        """Of a spring."""

    energy.unit = "J"
    made = make(energy)
    assert (made.__name__, made.__doc__, made.unit) == ("energy", "Of a spring.", "J")
    assert str(inspect.signature(made)) == "(x, scale=2.0)"
    assert "energy(x, scale=2.0)\n    Of a spring." in pydoc.render_doc(made, renderer=pydoc.plaintext)
