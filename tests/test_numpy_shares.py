"""Functions of large NumPy arrays whose work threads share: the same bits, warnings and errors as on one thread."""

import gc
import pickle
import warnings

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.arrays.libraries import of_numpy
from miniflow_xp.backends.numpy import shares, threads
from miniflow_xp.backends.numpy.namespace import LONG

SIZES = (4096, 4097, 30_011)


@pytest.fixture
def shared(monkeypatch):
    """Three threads for whatever may be shared, however little it costs; gives how many shares each call had."""
    counts = []

    def counting(parts):
        counts.append(len(parts))
        return threads.run_together(parts)

    monkeypatch.setattr(shares, "SHARE", 1e-12)
    monkeypatch.setattr(shares, "blas_threads", lambda: 3)
    monkeypatch.setattr(shares, "blas_threads_now", lambda: 3)
    monkeypatch.setattr(shares, "run_together", counting)
    return counts


def arrays(function, size, dtype):
    random = np.random.default_rng(size)
    made = [random.uniform(0.1, 0.9, size) for _ in range(function.nin)]
    if "complex" in dtype:
        made = [array + 1j * random.uniform(-1, 1, size) for array in made]
    return [array.astype(dtype) for array in made]


def ufunc_of(name):
    return getattr(of_numpy(), name).__wrapped__


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", LONG.split())
def test_the_bits_are_those_of_one_thread(name, dtype, shared):
    function = ufunc_of(name)
    if dtype.startswith("complex") and function.nin == 2:
        pytest.skip("a function of real numbers")
    for size in SIZES:
        args = arrays(function, size, dtype)
        with np.errstate(all="ignore"):
            wanted, found = function(*args), getattr(of_numpy(), name)(*args)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()
    assert shared == [3] * len(SIZES)


@pytest.mark.parametrize("name", ["erf", "gammaln", "digamma", "expit", "ndtri", "xlogy", "betaln", "betainc"])
def test_so_are_those_of_scipys_functions(name, shared):
    scipy_special = pytest.importorskip("scipy.special")
    function = getattr(scipy_special, name)
    for dtype in ("float32", "float64"):
        args = arrays(function, 30_011, dtype)
        found = getattr(mf.special, name)(*args)
        assert found.dtype == dtype
        assert found.tobytes() == function(*args).tobytes()
    assert shared == [3, 3]


@pytest.mark.parametrize("shape", [(100, 101), (5, 41, 50), (1, 1, 8192)])
def test_of_several_axes(shape, shared):
    x = np.random.default_rng(0).uniform(0.1, 0.9, shape)
    found = of_numpy().sin(x)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, np.sin(x))
    assert shared == [3]


@pytest.mark.parametrize("number", [2, 0.5, np.float64(0.5), np.float32(0.5), np.asarray(0.5), np.int8(3), True])
def test_beside_a_number(number, shared):
    x = np.linspace(0.1, 0.9, 8192, dtype="float32")
    for args in ((x, number), (number, x)):
        wanted, found = np.hypot(*args), of_numpy().hypot(*args)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()
    assert shared == ([] if number is True else [3, 3])


def test_the_dtypes_of_both_decide(shared):
    x, y = np.linspace(0, 1, 8192, dtype="float32"), np.linspace(0, 1, 8192)
    found = of_numpy().atan2(x, y)
    assert found.dtype == "float64"
    assert found.tobytes() == np.arctan2(x, y).tobytes()
    assert shared == [3]


class Marked(np.ndarray):
    pass


@pytest.mark.parametrize(
    "args",
    [
        (np.linspace(0, 1, 4095),),
        (np.linspace(0, 1, 10_000).reshape(100, 100).T,),
        (np.linspace(0, 1, 20_000)[::2],),
        (np.linspace(0, 1, 10_000).view(Marked),),
        (np.arange(10_000),),
        (np.linspace(0, 1, 10_000).astype(">f8"),),
        (np.linspace(0, 1, 10_000).astype(object),),
    ],
    ids=["small", "turned", "steps", "subclass", "integers", "big-endian", "objects"],
)
def test_everything_else_is_numpys(args, shared):
    if args[0].dtype == object:
        with pytest.raises(TypeError, match="sin"):
            of_numpy().sin(*args)
    else:
        found, wanted = of_numpy().sin(*args), np.sin(*args)
        assert (type(found), found.dtype, found.strides) == (type(wanted), wanted.dtype, wanted.strides)
        np.testing.assert_array_equal(found, wanted)
    assert shared == ([3] if args[0].dtype == ">f8" else [])


def test_operands_of_two_shapes_are_numpys(shared):
    row, column = np.linspace(0, 1, 8192), np.ones((2, 1))
    np.testing.assert_array_equal(of_numpy().hypot(row, column), np.hypot(row, column))
    np.testing.assert_array_equal(of_numpy().hypot(row[:1], row), np.hypot(row[:1], row))
    assert shared == []


def test_ufuncs_keywords_are_numpys(shared):
    x = np.linspace(0, 1, 8192)
    out = np.zeros_like(x)
    assert of_numpy().sin(x, out=out, where=x > 0.5) is out
    assert shared == []


def test_a_warning_is_given_once_and_as_numpys(shared):
    x = np.linspace(-1, 1, 8192)
    for function in (np.log, of_numpy().log):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            found = function(x)
        assert [(w.category, str(w.message)) for w in seen] == [(RuntimeWarning, "invalid value encountered in log")]
        np.testing.assert_array_equal(found, np.log(x, where=x > 0, out=np.full_like(x, np.nan)))


def test_errors_are_as_the_caller_sets_them(shared):
    x, calls = np.linspace(-1, 1, 8192), []
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="encountered in log"):
        of_numpy().log(x)
    with np.errstate(invalid="call", call=lambda *told: calls.append(told)):
        of_numpy().log(x)
    assert len(calls) == 1
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(of_numpy().log(x)).sum() == 4096
    assert shared == [3, 3, 3]


def test_what_is_quick_is_not_shared(monkeypatch):
    """By the measured time: on this many elements no sum of two squares, let alone a sine, takes a second."""
    monkeypatch.setattr(shares, "SHARE", 1.0)
    monkeypatch.setattr(shares, "run_together", None)
    of_numpy().sin(np.linspace(0, 1, 100_000))


def test_a_limit_of_threads_holds(shared, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(shares, "SHARE", 1e-12)
    monkeypatch.setattr(shares, "run_together", None)
    pools = pytest.importorskip("threadpoolctl")
    with pools.threadpool_limits(1):
        of_numpy().sin(np.linspace(0, 1, 100_000))


def test_a_share_that_shares_in_turn_does_not_wait_for_itself(shared):
    x = np.linspace(0, 1, 100_000)
    found = [None] * 8

    def work(n):
        found[n] = of_numpy().sin(x)

    threads.run_together([lambda n=n: work(n) for n in range(8)])
    for each in found:
        np.testing.assert_array_equal(each, np.sin(x))


def test_where_no_thread_can_be_begun_numpy_computes(shared, monkeypatch):
    class Pool:
        def submit(self, *_):
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(threads, "pool", Pool)
    x = np.linspace(0, 1, 8192)
    np.testing.assert_array_equal(of_numpy().sin(x), np.sin(x))


def test_gradients_are_computed_so(shared):
    x = np.linspace(0, 1, 8192)

    def f(x):
        xp = x.__array_namespace__()
        return xp.sum(xp.sin(x) * np.arctan(x) + mf.special.gammaln(x + 1))

    scipy_special = pytest.importorskip("scipy.special")
    found = mf.grad(f)(x)
    wanted = np.cos(x) * np.arctan(x) + np.sin(x) / (1 + x * x) + scipy_special.digamma(x + 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-15)
    assert shared == [3] * 5


@pytest.mark.parametrize("other", [np.asarray(0.5).view(Marked), np.ma.array(0.5), np.ma.masked], ids=repr)
def test_beside_an_array_of_another_type_its_type_decides(other, shared):
    x = np.linspace(0.1, 0.9, 8192)
    for args in ((x, other), (other, x)):
        assert type(of_numpy().hypot(*args)) is type(np.hypot(*args))
    assert shared == []


def test_beside_a_traced_number_it_is_differentiated(shared):
    x, xp = np.linspace(0.1, 0.9, 8192), of_numpy()
    found = mf.grad(lambda s: xp.sum(xp.hypot(x, s)))(np.float64(0.5))
    np.testing.assert_allclose(found, np.sum(0.5 / np.hypot(x, 0.5)), rtol=1e-13)


def test_an_output_by_its_position_is_numpys(shared):
    x = np.linspace(0, 1, 8192)
    out = np.zeros_like(x)
    assert of_numpy().sin(x, out) is out
    assert of_numpy().hypot(x, 1, out) is out
    with pytest.raises(TypeError, match="positional argument"):
        of_numpy().hypot(x)
    assert shared == []


def test_methods_of_ufuncs_are_there():
    xp, x = of_numpy(), np.linspace(0, 1, 5)
    assert xp.logaddexp.reduce(x) == np.logaddexp.reduce(x)
    np.testing.assert_array_equal(xp.hypot.outer(x, x), np.hypot.outer(x, x))
    assert (xp.hypot.nin, xp.sin.types) == (2, np.sin.types)


@pytest.mark.parametrize("name", [*LONG.split(), "sum", "mean", "ones_like", "matrix_transpose", "matmul"])
def test_functions_are_pickled_by_name(name):
    function = getattr(of_numpy(), name)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", ["ndtri", "digamma", "gammainc"])
def test_scipys_errors_are_as_the_caller_sets_them(name, shared):
    scipy_special = pytest.importorskip("scipy.special")
    x = np.linspace(0.1, 0.9, 8192)
    x[[100, 5000]] = -1.0
    args = [x] * getattr(scipy_special, name).nin
    with scipy_special.errstate(all="raise"), pytest.raises(scipy_special.SpecialFunctionError):
        getattr(mf.special, name)(*args)
    for function in (getattr(scipy_special, name), getattr(mf.special, name)):
        with scipy_special.errstate(all="warn"), warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            function(*args)
        assert len(seen) == 2
    assert shared == []


def test_an_error_tells_of_no_thread_and_keeps_no_array(shared):
    x = np.linspace(-1, 1, 8192)
    gc.collect()
    gc.disable()
    try:
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError) as told:
            of_numpy().log(x)
        assert told.value.__context__ is None
        of_numpy_log_of(x, times=20)
        assert sum(isinstance(each, np.ndarray) for each in found_by_collector()) == 0
    finally:
        gc.enable()


def of_numpy_log_of(x, times):
    with np.errstate(invalid="call", call=lambda *_: None):
        for _ in range(times):
            of_numpy().log(x)


def found_by_collector():
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_who_interrupts_the_sharing_does_not_share(shared, monkeypatch):
    """A signal's handler may come while the threads take a share, which waits for a lock that this thread holds."""
    x, real = np.linspace(0, 1, 8192), threads.pool()
    found = []

    class Pool:
        inside = False

        def submit(self, *args):
            assert not self.inside
            self.inside = True
            found.append(of_numpy().sin(x))
            self.inside = False
            return real.submit(*args)

    pool = Pool()
    monkeypatch.setattr(threads, "pool", lambda: pool)
    found.append(of_numpy().sin(x))
    for each in found:
        np.testing.assert_array_equal(each, np.sin(x))
    assert len(found) > 1


def test_a_first_array_that_takes_longer_than_others_does_not_decide_for_them(shared, monkeypatch):
    """As of NaN, of which a tangent takes fifteen times as long as of a number: what shares take is measured, too."""
    monkeypatch.setattr(shares, "SHARE", 0.1)  # longer than all of them take
    monkeypatch.setattr(shares, "first_guess", lambda *_: 1.0)
    tan, x = shares.shared(np.tan), np.linspace(0, 1, 8192)
    for _ in range(3):
        tan(x)
    assert shared == [3]


def test_a_child_shares_on_threads_of_its_own_and_so_does_an_exit(run_python):
    done = run_python(
        """
import atexit, os, signal, warnings
import numpy as np
import miniflow_xp as mf
from miniflow_xp.arrays.libraries import of_numpy
from miniflow_xp.backends.numpy import shares
shares.SHARE = 1e-12
x = np.linspace(0, 1, 100_000)
wanted = np.sin(x)

def same():
    assert np.array_equal(of_numpy().sin(x), wanted)

same()
if hasattr(os, "fork"):
    warnings.simplefilter("ignore", DeprecationWarning)
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        try:
            same()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
atexit.register(lambda: (same(), print("at exit too")))
"""
    )
    assert done.stdout == "at exit too\n"
    assert done.stderr == ""
