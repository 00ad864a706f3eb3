"""CuPy's kernels of recorded functions mean what NumPy means: needs a GPU, or the stand-in for one (gpu_standin)."""

import array_api_compat.numpy as xp
import numpy as np
import pytest
from capabilities import ROWS, example

from miniflow_xp.backends.cupy.expressions import COMPARISONS, LOGIC, ON_FLOATS
from miniflow_xp.backends.cupy.groups import order
from miniflow_xp.backends.cupy.sources import write
from miniflow_xp.node import Elementwise
from miniflow_xp.programs.verify import rules
from miniflow_xp.recording.tape import record

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy.kernels import kernel  # noqa: E402  it imports CuPy

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.parametrize("backend", ["cupy"], indirect=True),
    pytest.mark.usefixtures("backend"),
]


def evaluated(function, arrays):
    """What the kernels of an elementwise function give, and what NumPy does, for each result."""
    values, results = record(function, xp, arrays)
    found = dict(zip((v for v in values if v.op == "argument"), map(cupy.asarray, arrays), strict=True))
    for group in order(values, results):
        inputs = [cupy.asarray(v.content) if v.is_constant else found[v] for v in group.inputs]
        outs = [cupy.empty(v.shape, v.dtype) for v in group.outputs]
        kernel(write(group))(*inputs, *outs)
        found |= dict(zip(group.outputs, outs, strict=True))
    return list(zip([cupy.asnumpy(found[r]) for r in results], function(xp, *arrays), strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row.node, Elementwise)], ids=str)
def test_the_kernels_of_every_elementwise_rule_equal_numpy(row, dtype):
    for shapes in row.cases[:2]:
        arrays, gradient = example(row, shapes, dtype)
        eps = np.finfo(dtype).eps  # at most ten operations on numbers up to 4; NumPy's own exp is off by up to 4 ulp
        for found, wanted in evaluated(
            rules.Case(row.node, shapes).run, [np.asarray(a, dtype=dtype) for a in (gradient, *arrays)]
        ):
            np.testing.assert_allclose(found, wanted, rtol=16 * eps, atol=16 * eps)


TELLING = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, 3.5, -2.5, 1e-3, 80.0, np.inf, -np.inf, np.nan]
OPERATIONS = {**ON_FLOATS, **COMPARISONS, **LOGIC}


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")  # NaN and infinity are what is tested
@pytest.mark.parametrize("dtype", ["float64", "float32", "bool"])
def test_every_operation_equals_numpy_at_telling_numbers(dtype):
    names = sorted(name for name in OPERATIONS if name.startswith(("logical", "bitwise")) == (dtype == "bool"))
    x, y = np.meshgrid(np.array(TELLING, dtype=dtype), np.array(TELLING, dtype=dtype))

    def all_of_them(ns, a, b):
        return [getattr(ns, name)(*((a, b) if "{1}" in OPERATIONS[name] else (a,))) for name in names]

    for name, (found, wanted) in zip(names, evaluated(all_of_them, [x, y]), strict=True):
        eps = 0 if found.dtype == bool else np.finfo(dtype).eps
        np.testing.assert_allclose(found, wanted, rtol=8 * eps, err_msg=name)  # libraries differ by a few ulp
        assert found.dtype == wanted.dtype, name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_arrive_exactly(dtype):
    x = np.array([True, False])
    y = np.array([2.0, 3.0], dtype=dtype)

    def chosen(ns, x, y):
        numbers = (0.1, 3, -2.5, 1e-30, 1e30, float("inf"), -float("inf"), float("nan"))
        return [r for number in numbers for r in (ns.where(x, number, y), ns.where(x, y, number))]

    for found, wanted in evaluated(chosen, [x, y]):
        np.testing.assert_array_equal(found, wanted)


def test_mixed_dtypes_are_promoted_as_numpy_does():
    def function(ns, i, x, d):
        return [i * 0.5 + d, ns.astype(i, ns.float32) * x, x * d, i == 2, i < 1.5, ns.astype(x, ns.bool), x**2, 2.0**x]

    i, x, d = np.arange(5), np.linspace(-1, 1, 5, dtype="float32"), np.linspace(0, 1, 5) / 3
    for found, wanted in evaluated(function, [i, x, d]):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo("float32").eps)
