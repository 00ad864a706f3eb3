"""JAX's products on a GPU, as far as can be told without one: what its compiler is asked for."""

import re
from types import SimpleNamespace

import pytest

from miniflow_xp.switch import load


@pytest.fixture(autouse=True)
def unset():
    """JAX as it is before anybody chooses a precision; other tests ask for the highest, for their oracle."""
    config = pytest.importorskip("jax").config
    before = config.jax_default_matmul_precision
    config.update("jax_default_matmul_precision", None)
    yield
    config.update("jax_default_matmul_precision", before)


def jax_for(platform, monkeypatch):
    """The JAX backend as it would be on a device of this platform."""
    jax = pytest.importorskip("jax")
    backend = load("jax:cpu")
    monkeypatch.setattr(backend, "_device", SimpleNamespace(platform=platform))
    monkeypatch.setattr(backend, "narrows", platform != "cpu")
    return jax, backend


@pytest.mark.parametrize(
    ("platform", "setting", "precision"),
    [("gpu", None, "HIGHEST"), ("gpu", "tf32", "HIGH"), ("cpu", None, "DEFAULT")],
)
def test_jax_is_asked_for_true_float32_products_on_a_gpu(platform, setting, precision, monkeypatch):
    if setting:
        monkeypatch.setenv("MINIFLOW_PRECISION", setting)
    jax, backend = jax_for(platform, monkeypatch)
    ones = jax.numpy.ones((2, 2), "float32")
    with backend.activate():
        text = jax.jit(backend.xp.matmul).lower(ones, ones).as_text()
    found = re.search(r"precision = \[(\w+), (\w+)\]", text)
    assert (found.groups() if found else ("DEFAULT",) * 2) == (precision,) * 2


def test_jaxs_own_precision_goes_before_ours(monkeypatch):
    jax, backend = jax_for("gpu", monkeypatch)
    with jax.default_matmul_precision("bfloat16"):
        assert backend.precision is None
    assert backend.precision == "highest"


def test_a_captured_step_is_compiled_for_the_precision(monkeypatch):
    jax, backend = jax_for("gpu", monkeypatch)
    told = []

    def product(xp, a, b):
        told.append(jax.config.jax_default_matmul_precision)
        return [xp.matmul(a, b)]

    ones = jax.numpy.ones((2, 2), "float32")
    backend.capture(product, [ones, ones], 0)(ones, ones)
    assert set(told) == {"highest"}
