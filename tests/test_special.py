"""Special functions: values as SciPy's on every library, where they may be called, and what they refuse."""

import inspect
import sys

import numpy as np
import pytest

import miniflow_xp
from miniflow_xp import Input, Node, Program, differentiable_namespace, grad, jit, special
from miniflow_xp.arrays.tables import COMPOSED, NATIVE
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import DifferentiationError, DtypeError, PackageMissingError
from miniflow_xp.rules import special_values

WIDE = np.asarray([-30.0, -5.5, -1.2, -0.3, 0.0, 0.4, 1.0, 2.7, 9.0, 30.0])
ABOVE = np.asarray([1e-3, 0.1, 0.5, 0.9, 1.0, 1.5, 2.0, 4.5, 20.0, 100.0])
UNIT = np.asarray([1e-10, 1e-3, 0.1, 0.3, 0.49, 0.5, 0.7, 0.9, 0.99, 0.9999])
TABLE = np.random.default_rng(0).normal(size=(3, 4)) * 9

ARGUMENTS = {  # function: what it is called with
    **dict.fromkeys(["erf", "erfc", "expit", "log_expit", "softplus", "ndtr", "log_ndtr", "sinc"], (WIDE,)),
    **dict.fromkeys(["i0", "i0e", "i1", "i1e"], (WIDE,)),
    **dict.fromkeys(["gammaln", "digamma", "psi", "gamma", "erfcx"], (ABOVE,)),
    **dict.fromkeys(["logit", "ndtri"], (UNIT,)),
    **dict.fromkeys(["beta", "betaln", "gammainc", "gammaincc", "chdtr", "chdtrc"], (ABOVE, ABOVE[::-1] * 0.7)),
    **dict.fromkeys(["betainc", "betaincc"], (ABOVE, ABOVE[::-1], UNIT)),
    **dict.fromkeys(["fdtr", "fdtrc", "gdtr", "gdtrc"], (ABOVE[::-1] * 0.9, ABOVE + 1, UNIT * 3)),
    **dict.fromkeys(
        ["xlogy", "xlog1py", "rel_entr", "kl_div"], (np.append(ABOVE, [0.0]), np.append(ABOVE[::-1], [0.0]))
    ),
    **dict.fromkeys(["exp2", "exp10"], (WIDE,)),
    **dict.fromkeys(["huber", "pseudo_huber"], (ABOVE, ABOVE[::-1] - 1)),
    "erfcinv": (2 * UNIT,),
    "stdtr": (ABOVE * 2, WIDE * np.asarray([1, 1, 1, 1e-8, 1, 1e-4, 1, 1, 1, 1])),
    "entr": (np.append(ABOVE, [0.0, -1.0]),),
    "erfinv": (2 * UNIT - 1,),
    "polygamma": (2, ABOVE),
    "multigammaln": (ABOVE + 2, 4),
    "zeta": (ABOVE[4:] + 0.5, ABOVE[4:]),
    **dict.fromkeys(["logsumexp", "softmax", "log_softmax"], (TABLE, -1)),
}
NOT_OF_SCIPY = {"xdivy"}
LESS_EXACT = {
    ("jax", "beta"): 3e-8,
    ("jax", "betaln"): 1e-8,
    ("jax", "betainc"): 2e-11,
    ("jax", "betaincc"): 2e-11,
    ("jax", "erfinv"): 1e-11,
    ("jax", "fdtrc"): 5e-11,
    ("torch", "fdtrc"): 2e-11,
}
"""What the library's own function gives, which is what we give."""


def arrays_of(backend, args, dtype="float64"):
    return [backend.asarray(a.astype(dtype)) if isinstance(a, np.ndarray) else a for a in args]


def test_every_function_is_checked():
    assert set(ARGUMENTS) | NOT_OF_SCIPY == set(special.__all__)
    ours = {op.removeprefix("special.") for op in {**NATIVE, **COMPOSED} if op.startswith("special.")}
    assert ours - set(special.__all__) == {"sinc_derivative", "bessel_ratio"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_values_are_those_of_scipy(backend, name):
    of_scipy = pytest.importorskip("scipy.special", reason="the oracle is SciPy: pip install scipy")
    if not hasattr(of_scipy, name):
        pytest.skip("this SciPy is older than the function")
    expected = np.asarray(getattr(of_scipy, name)(*ARGUMENTS[name]))
    found = backend.to_numpy(getattr(special, name)(*arrays_of(backend, ARGUMENTS[name])))
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, expected, rtol=LESS_EXACT.get((backend.name, name), 2e-12), atol=1e-300)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_float32_stays_float32(backend, name):
    found = getattr(special, name)(*arrays_of(backend, ARGUMENTS[name], "float32"))
    assert str(found.dtype).endswith("float32")


@pytest.mark.parametrize("name", ["erf", "logsumexp", "betaincc", "xdivy"])
def test_an_array_gives_an_array_of_its_library(backend, name):
    x = backend.asarray(UNIT)
    count = {"betaincc": 3, "xdivy": 2}.get(name, 1)
    assert type(getattr(special, name)(*[x] * count)) in (type(x), np.float64)


def test_numbers_make_an_array_of_the_backend_in_use(backend):
    made = special.xlogy(2, 3.0)
    assert type(made) in (type(backend.asarray(np.asarray(1.0))), np.float64)
    assert float(made) == pytest.approx(2 * np.log(3.0))


def test_the_namespace_has_them_too(backend):
    xp = differentiable_namespace(backend.xp)
    x = xp.asarray(backend.asarray(UNIT))
    np.testing.assert_array_equal(backend.to_numpy(ground(xp.special.erf(x))), backend.to_numpy(special.erf(ground(x))))
    assert {"erf", "logsumexp", "betaincc"} <= set(dir(xp.special))


def test_signatures_are_those_of_scipy():
    assert str(inspect.signature(special.gammainc)) == "(a, x, /)"
    assert list(inspect.signature(special.logsumexp).parameters) == ["a", "axis", "b", "keepdims"]
    assert [p for p in special.__all__ if not getattr(special, p).__doc__] == []


def test_the_module_comes_with_the_package():
    assert miniflow_xp.special is special


REFUSED = {
    "gammainc": (0, "a"),
    "gammaincc": (0, "a"),
    "betainc": (1, "b"),
    "betaincc": (0, "a"),
    "chdtr": (0, "a"),
    "fdtr": (1, "b"),
    "gdtrc": (1, "a"),
    "zeta": (0, "x"),
    "stdtr": (0, "df"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_parameter_without_closed_form_is_refused(backend, name):
    place, argument = REFUSED[name]
    xp = differentiable_namespace(backend.xp)
    arrays = arrays_of(backend, ARGUMENTS[name])
    with pytest.raises(DifferentiationError, match=f"its argument {argument} is being differentiated"):
        grad(lambda *xs: xp.sum(getattr(special, name)(*xs)), argnums=place)(*arrays)
    last = len(arrays) - 1
    assert grad(lambda *xs: xp.sum(getattr(special, name)(*xs)), argnums=last)(*arrays).shape == arrays[last].shape


def test_the_order_of_polygamma_is_a_python_integer(backend):
    x = backend.asarray(UNIT)
    with pytest.raises(DtypeError, match=r"special\.polygamma: n is "):
        special.polygamma(x, x)


def test_of_pytorch_the_incomplete_beta_function_is_right_or_not_a_number():
    """PyTorch has none: where the continued fraction has not settled, there is no value."""
    torch = pytest.importorskip("torch", reason="it is about tensors: pip install torch")
    of_scipy = pytest.importorskip("scipy.special", reason="the oracle is SciPy: pip install scipy")
    random = np.random.default_rng(0)
    a, b = np.exp(random.uniform(np.log(0.1), np.log(1e6), (2, 2000)))
    x = random.beta(a, b)
    found = special.betainc(*map(torch.tensor, (a, b, x))).numpy()
    settled = np.isfinite(found)
    assert np.all(settled[(a < 1000) & (b < 1000)])
    np.testing.assert_allclose(found[settled], of_scipy.betainc(a, b, x)[settled], rtol=1e-7)


def test_captured_they_are_the_same(backend):
    x = backend.asarray(UNIT)
    f = jit(lambda x: special.erf(x) * special.logsumexp(x) + special.gammainc(2.0, x))
    np.testing.assert_allclose(backend.to_numpy(f(x)), backend.to_numpy(f.function(x)), rtol=1e-14)


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    imported = [m for m in sys.modules if m == "scipy" or m.startswith("scipy.")]
    for name in [*imported, special_values.HOMES["numpy"]]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setattr(special_values, "_own", {})  # as in a new process
    with pytest.raises(
        PackageMissingError, match=r"special\.erf: scipy.* cannot be imported.*pip install 'miniflow_xp\[special\]'"
    ):
        special.erf(WIDE)
    np.testing.assert_allclose(special.expit(WIDE), 1 / (1 + np.exp(-WIDE)), rtol=1e-15)
    xp = differentiable_namespace(np)
    assert grad(lambda x: xp.sum(xp.logaddexp(x, 0 * x)))(WIDE).shape == WIDE.shape


def test_functions_of_nodes_make_nodes():
    x = Input("x")
    y = special.erf(x)
    assert isinstance(y, Node)
    assert float(Program(y)({x: np.array(0.5)}).values) == pytest.approx(0.5204998778130465)
