"""export_onnx: what is exported gives the same numbers in onnxruntime, for any size of the batch."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.exchange import export_onnx
from miniflow_xp.exchange.onnx.table import TABLE
from miniflow_xp.gradcheck.examples import CASES
from miniflow_xp.transforms.trees import flatten

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

random = np.random.default_rng(0)
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # relative to the largest; the issue of a file is 1e-6


class Row:
    """A function, ``call(xp, *arrays)``, and what it is called with."""

    def __init__(self, name, call, *arrays):
        self.name, self.arrays = name, arrays
        self.call = lambda *x: call(array_namespace(*x), *x)

    def __str__(self):
        return self.name


def normal(*shape):
    return random.normal(size=shape)


def integers(*shape):
    return random.integers(-9, 9, size=shape)


def of(name, *arguments, **keywords):
    """The function of a name, of one array."""

    def call(xp, x):
        for part in name.split("."):
            xp = getattr(xp, part)
        return xp(x, *arguments, **keywords)

    return call


def updated(xp, x):
    x = x + 0
    x[1:, ::2] = 7
    return x


def attention(xp, q):
    scores = xp.matmul(q, xp.matrix_transpose(q)) / 2
    return xp.matmul(xp.special.softmax(scores, axis=-1), q)


def kernel(xp, x):
    """Of all pairs of rows: two axes are the batch."""
    return xp.exp(-xp.sum((x[:, None, :] - x[None, :, :]) ** 2, axis=-1))


def gradient(f):
    return lambda xp, x: mf.grad(lambda x: array_namespace(x).sum(f(array_namespace(x), x) ** 2))(x)


UNARY = "abs ceil cos exp expm1 floor log1p negative round sign sin sqrt square tanh trunc isnan isfinite"
ROWS = [
    *[Row(name, of(name), np.abs(normal(4, 3))) for name in UNARY.split()],
    *[
        Row(f"{name} {axis}", of(name, axis=axis), normal(4, 3))
        for name in ("sum", "mean", "max", "min", "prod", "std", "argmax", "argmin")
        for axis in (None, -1, 0)
    ],
    Row("keepdims", of("sum", axis=(0, 2), keepdims=True), normal(4, 3, 2)),
    Row("var, corrected, over the batch", of("var", correction=1), normal(4, 3)),
    Row("cumulative_sum", of("cumulative_sum", axis=0, include_initial=True), normal(4, 3)),
    Row("logsumexp", of("special.logsumexp", axis=-1), normal(4, 3)),
    Row("softmax", of("special.softmax", axis=-1), normal(4, 3)),
    Row("log_softmax", of("special.log_softmax", axis=0), normal(4, 3)),
    Row("softplus", of("special.softplus"), 30 * normal(4, 3)),
    Row("sort", of("sort", axis=0, descending=True), normal(4, 3)),
    Row("argsort", of("argsort", axis=-1), integers(4, 6)),
    Row("clip", of("clip", -0.5, 0.5), normal(4, 3)),
    Row("transposed", lambda xp, x: xp.reshape(xp.permute_dims(x, (1, 0, 2)), (-1,)), normal(4, 3, 2)),
    Row("reshape to a multiple", lambda xp, x: xp.reshape(x, (x.shape[0] * 3, 2)), normal(4, 3, 2)),
    Row("reshape by -1", of("reshape", (2, -1)), normal(4, 2, 3)),
    Row("moveaxis", of("moveaxis", 0, -1), normal(4, 3, 2)),
    Row("flip", of("flip", axis=0), normal(4, 3)),
    Row("roll", of("roll", 2, axis=1), normal(4, 3)),
    Row("tile", of("tile", (1, 2)), normal(4, 3)),
    Row("repeat", of("repeat", 2, axis=0), normal(4, 3)),
    Row("tril", of("tril", k=-1), normal(4, 3, 3)),
    Row("stack, concat", lambda xp, x: xp.concat([xp.stack([x, 2 * x], axis=1), x[:, None]], axis=1), normal(4, 3)),
    Row("broadcast_to", lambda xp, x: xp.broadcast_to(x[:, None], (x.shape[0], 5, 3)), normal(4, 3)),
    Row("ones_like", lambda xp, x: xp.ones_like(x) + x, normal(4, 3)),
    Row("a count of the batch", lambda xp, x: xp.sum(x, axis=0) / x.shape[0] + x.shape[0], normal(4, 3)),
    Row("numbers of the examples", lambda xp, x: x[:, 0] * xp.arange(x.shape[0]), integers(4, 3)),
    Row("slices", lambda xp, x: x[1:, ::-1, -1], normal(4, 3, 2)),
    Row("the last one", lambda xp, x: x[-1], normal(4, 3)),
    Row("all but the last one", lambda xp, x: x[: x.shape[0] - 1, None, ..., 0], normal(4, 3, 2)),
    Row("rows by number", lambda xp, t, i: xp.take(t, i, axis=0), normal(5, 2), np.asarray([4, 0, -1])),
    Row("an index of integers", lambda xp, x: x[:, np.asarray([2, 0, 0])], normal(4, 3)),
    Row("take_along_axis", lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1), normal(4, 3)),
    Row("setitem", updated, normal(4, 3)),
    Row("where", lambda xp, x: xp.where(x > 0, x, 0), integers(4, 3)),
    Row("whole numbers", lambda xp, x: x // 4 * 100 + x % -4, integers(4, 30)),
    Row("numbers and truth", lambda xp, x: (x > 0) & ~(x > 1) | (x != x), normal(4, 3)),
    Row("dtypes that meet", lambda xp, x: xp.astype(x, xp.float64) * 0.5 + (x > 2), integers(4, 3)),
    Row("pow and hypot", lambda xp, x: xp.hypot(x**2, 3 - x) ** 0.5, normal(4, 3)),
    Row("matrix and vector", lambda xp, x: x @ xp.asarray([1.0, 2.0, 3.0], dtype=x.dtype), normal(4, 3)),
    Row("einsum", lambda xp, x: xp.einsum("bij,bjk->bik", x, x), normal(4, 3, 3)),
    Row("tensordot", lambda xp, x: xp.tensordot(x, x, axes=((0, 1), (0, 1))), normal(4, 3, 2)),
    Row("attention", attention, normal(4, 5, 6)),
    Row("kernel", kernel, normal(4, 3)),
    Row("gradient", gradient(kernel), normal(4, 3)),
    Row("gradient of rows", gradient(lambda xp, t: t[np.asarray([0, 0, 1])]), normal(4, 3)),
    Row("second order", lambda xp, x: mf.hvp(lambda y: xp.sum(xp.sin(y) ** 2), (x,), (x,)), normal(4, 3)),
]


def opened(path):
    """A file in onnxruntime, as a function of its inputs."""
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def ran(path, arrays):
    """What onnxruntime gives for a file."""
    return opened(path)(arrays)


def computed(call, arrays):
    """What we give."""
    return [np.asarray(getattr(r, "array", r)) for r in flatten(call(*map(constant, arrays)))[0]]


def check_same(got, wanted):
    assert [(g.shape, g.dtype) for g in got] == [(w.shape, w.dtype) for w in wanted]
    for g, w in zip(got, wanted, strict=True):
        bound = TOLERANCE.get(g.dtype.name, 0) * max(1, np.abs(w).max(initial=0))
        np.testing.assert_allclose(g, w, rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_function_gives_the_same_numbers_for_any_batch(row, dtype, tmp_path):
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in row.arrays]
    free = ["x1"] if len(arrays) > 1 else True
    export_onnx(row.call, tmp_path / "f.onnx", *arrays, free_batch=free)
    run = opened(tmp_path / "f.onnx")
    for size in (2, 4, 7):
        batch = np.resize(arrays[-1], (size, *arrays[-1].shape[1:]))
        given = [*arrays[:-1], batch]
        check_same(run(given), computed(row.call, given))


BECOME_COMPLEX = ("to complex", "of i x")
REAL = [r for r in CASES if not any(map(np.iscomplexobj, r.arrays)) and r.detail not in BECOME_COMPLEX]
ROW_OF = {row.op: row for row in reversed(REAL) if row.op in TABLE}
"""The first row of each function, which has its usual form."""


@pytest.mark.parametrize("op", sorted(ROW_OF))
def test_each_function_of_the_table_gives_the_same_numbers(op, tmp_path):
    row = ROW_OF[op]
    arrays = [a.astype("float32") for a in row.arrays]

    def call(*x):
        return row.call(array_namespace(*x), *x)

    export_onnx(call, tmp_path / "f.onnx", *arrays, free_batch=False)
    check_same(ran(tmp_path / "f.onnx", arrays), computed(call, arrays))


KEYS = [
    *[0, -1, slice(1, None), slice(None, None, -2), None, Ellipsis, np.asarray([2, 0, 0]), np.asarray([[1], [2]])],
    *[(0, 1), (Ellipsis, 0), (None, 1), (slice(None), np.asarray([1, 0]), 0), (np.asarray([0, 1]), np.asarray([[2]]))],
    *[(1, np.asarray([0, 2])), (slice(None), None, -1, slice(None, None, 2)), (np.asarray(1), slice(1, 2))],
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_an_index_takes_the_same_elements(key, tmp_path):
    x = normal(4, 3, 5)
    export_onnx(lambda x: x[key], tmp_path / "f.onnx", x, free_batch=False)
    assert np.array_equal(ran(tmp_path / "f.onnx", [x])[0], x[key])


SPECIAL = np.asarray([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5], dtype="float32")


def check_special(call, arrays, folder):
    with np.errstate(all="ignore"):
        export_onnx(call, folder / "f.onnx", *arrays, free_batch=False)
        wanted = computed(call, arrays)
    np.testing.assert_allclose(ran(folder / "f.onnx", arrays)[0], wanted[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["maximum", "floor_divide", "hypot", "atan2", "remainder", "logaddexp"])
def test_nan_infinities_and_zeros_are_as_ours_elementwise(name, tmp_path):
    x, y = (a.reshape(-1) for a in np.meshgrid(SPECIAL, SPECIAL))
    check_special(lambda x, y: getattr(array_namespace(x), name)(x, y), [x, y], tmp_path)


REDUCED = "max min argmax argmin sort argsort sum special.softmax special.log_softmax special.logsumexp"


@pytest.mark.parametrize("name", REDUCED.split())
def test_nan_infinities_and_zeros_are_as_ours_along_an_axis(name, tmp_path):
    rows = np.stack([np.roll(SPECIAL, n) for n in range(8)] + [np.resize(SPECIAL[n:], 8) for n in (1, 2, 3)])
    check_special(lambda x: of(name, axis=-1)(array_namespace(x), x), [rows], tmp_path)


def network():
    layers = [mf.Conv2D(1, 2, 3, mf.ReLU, padding="same"), mf.BatchNorm(2), mf.MaxPool(2), mf.Flatten()]
    return mf.Sequential(
        [*layers, mf.Dense(18, 8, mf.Sigmoid), mf.LayerNorm(), mf.Dropout(0.5), mf.Dense(8, 4)], seed=0
    )


def images(n):
    return np.random.default_rng(n).normal(size=(n, 1, 6, 6)).astype("float32")


def test_a_model_is_exported_for_prediction_with_its_parameters_by_name(tmp_path):
    model = network()
    export_onnx(model, tmp_path / "m.onnx", images(3))
    found = onnx.load(tmp_path / "m.onnx")
    assert (found.producer_name, found.producer_version) == ("miniflow_xp", mf.__version__)
    assert found.opset_import[0].version == 18
    held = {i.name: onnx.numpy_helper.to_array(i) for i in found.graph.initializer}
    assert held["dense_1_weights"].tolist() == mf.to_numpy(model.children[4].own["weights"].value).tolist()
    x = mf.Input("x")
    prediction = mf.Program(model(x, training=False))
    for n in (1, 3, 10):
        check_same(ran(tmp_path / "m.onnx", [images(n)]), [mf.to_numpy(prediction({x: images(n)}).values)])


def test_a_program_is_exported_from_every_backend(backend, tmp_path):
    X, W = mf.Input("X"), mf.Parameter(np.asarray([[1.0], [2.0]]), "W")
    program = mf.Program(X @ W)
    feed = {X: backend.asarray(np.ones((3, 2)))}
    program(feed)
    export_onnx(program, tmp_path / "p.onnx", feed)
    assert ran(tmp_path / "p.onnx", [np.ones((5, 2))])[0].tolist() == [[3.0]] * 5


def test_a_program_is_exported_with_its_gradients(tmp_path):
    model = mf.Sequential([mf.Embedding(9, 6), mf.MultiHeadAttention(6, 2, causal=True), mf.Dense(6, 4)], seed=0)
    words, labels = mf.Input("words", dtype=int), mf.Input("labels", dtype=int)
    program = mf.Program(mf.CrossEntropy(labels, model(words)), wrt=model.parameters)

    def feed(n):
        return {words: np.arange(5 * n).reshape(n, 5) % 9, labels: np.arange(5 * n).reshape(n, 5) % 4}

    export_onnx(program, tmp_path / "p.onnx", feed(3))
    session = runtime.InferenceSession(str(tmp_path / "p.onnx"))
    assert [o.name for o in session.get_outputs()][1] == "gradient_of_embedding_1_weights"
    for n in (1, 3, 8):
        value, gradients = program(feed(n))
        given = {"words": feed(n)[words], "labels": feed(n)[labels]}
        wanted = [mf.to_numpy(a) for a in (value, *gradients.values())]
        got = session.run(None, given)
        assert len(got) == len(wanted) == 1 + len(model.parameters)
        check_same(got, wanted)


def test_inputs_of_different_batches_are_an_error_at_run_time(tmp_path):
    export_onnx(lambda x, y: array_namespace(x).sum(x * 0) + y / x.shape[0], tmp_path / "f.onnx", normal(4), normal(4))
    check_same(ran(tmp_path / "f.onnx", [np.ones(2), np.ones(2)]), [np.full(2, 0.5)])
    with pytest.raises(Exception, match="reshape"):
        ran(tmp_path / "f.onnx", [np.ones(2), np.ones(3)])


def test_what_is_recorded_or_has_its_own_rule_is_exported_as_it_computes(tmp_path):
    @mf.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x * x * g,))
    f = mf.jit(lambda x: mf.checkpoint(cube)(x) + 1)
    for name, call in (("value", f), ("slope", mf.grad(lambda x: array_namespace(x).sum(cube(x))))):
        export_onnx(call, tmp_path / f"{name}.onnx", normal(4, 3))
        x = normal(6, 3)
        check_same(ran(tmp_path / f"{name}.onnx", [x]), [x**3 + 1 if name == "value" else 3 * x**2])


def test_arguments_that_are_trees_become_inputs_by_name(tmp_path):
    def f(p, x):
        return {"y": x @ p["a"] + p["b"], "n": x}

    p, x = {"a": normal(3, 2), "b": normal(2)}, normal(4, 3)
    export_onnx(f, tmp_path / "f.onnx", p, x, free_batch=["x"])
    graph = onnx.load(tmp_path / "f.onnx").graph
    assert [i.name for i in graph.input] == ["p_a", "p_b", "x"]
    assert [d.dim_param or d.dim_value for d in graph.input[2].type.tensor_type.shape.dim] == ["batch", 3]
    got = ran(tmp_path / "f.onnx", [p["a"], p["b"], x[:2]])
    check_same(got, [x[:2] @ p["a"] + p["b"], x[:2]])


def test_numbers_among_the_arguments_are_as_wide_as_the_arrays(tmp_path):
    export_onnx(lambda x, k: x * k, tmp_path / "f.onnx", np.ones(3, "float32"), 2.0)
    check_same(ran(tmp_path / "f.onnx", [np.ones(2, "float32"), np.asarray(3, "float32")]), [np.full(2, 3, "float32")])


@pytest.mark.parametrize("name", ["isfinite", "isinf", "special.log_softmax", "special.logsumexp", "special.softmax"])
def test_infinities_of_float16_are_found_though_onnx_looks_for_them_in_float32_alone(name, tmp_path):
    x = np.asarray([[1.0, -2.0], [np.inf, 0.5], [-np.inf, 60_000.0]], dtype="float16")
    with np.errstate(all="ignore"):
        export_onnx(lambda x: of(name)(array_namespace(x), x), tmp_path / "f.onnx", x)
        wanted = computed(lambda x: of(name)(array_namespace(x), x), [x])
    (got,) = ran(tmp_path / "f.onnx", [x])
    assert got.dtype == wanted[0].dtype
    np.testing.assert_allclose(got, wanted[0], rtol=2e-3, atol=2e-3)


def decomposed(x):
    xp = array_namespace(x)
    return xp.linalg.qr(x)[1], xp.linalg.svdvals(x)


REFUSED = [
    (decomposed, {}, r"it uses linalg.qr, linalg.svdvals"),
    (lambda x: x[::2], {}, r"the batch may have any size, and a size is 2, 6, 9, 15 for a batch of 4, 11, 17, 29"),
    (lambda x: x if x.shape[0] > 5 else 2 * x, {}, "more equations for some sizes"),
    (lambda x: x * (3.0 if x.shape[0] > 5 else 2.0), {}, "depends on the size of the batch"),
    (lambda x: array_namespace(x).reshape(x, (4, 3)) + x, {}, r"a batch of 11 is an error.*free_batch=False"),
    (lambda x: x[x > 0], {}, "looks at contents"),
    (lambda x: x if x[0, 0] > 0 else -x, {}, "looks at contents"),
    (lambda x: x, {"free_batch": ["y"]}, "inputs with axes are x"),
    (lambda x: array_namespace(x).astype(x, array_namespace(x).complex64), {}, "astype of complex64 numbers"),
]


@pytest.mark.parametrize(("function", "options", "words"), REFUSED)
def test_what_has_no_form_is_refused_by_name(function, options, words, tmp_path):
    with pytest.raises(errors.ExportError, match=words):
        export_onnx(function, tmp_path / "f.onnx", normal(4, 3), **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_things_and_places_are_refused(tmp_path, monkeypatch):
    x = mf.Input("x")
    with pytest.raises(errors.ExportError, match="a mask of dropout"):
        export_onnx(mf.Program(mf.Dropout(0.5)(x)), tmp_path / "f.onnx", {x: normal(4, 3)})
    with pytest.raises(errors.ExportError, match="Make a Program of a node"):
        export_onnx(x, tmp_path / "f.onnx", normal(4, 3))
    with pytest.raises(errors.ExportError, match="0 examples"):
        export_onnx(mf.Dense(3, 2), tmp_path / "f.onnx")
    with pytest.raises(errors.ExportError, match="could not be written"):
        export_onnx(abs, tmp_path / "none" / "f.onnx", normal(4, 3))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(errors.PackageMissingError, match="pip install"):
        export_onnx(abs, tmp_path / "f.onnx", normal(4, 3))


def test_the_page_lists_the_functions_that_have_a_form():
    page = Path(__file__).resolve().parent.parent / "docs" / "exchange.md"
    told = page.read_text(encoding="utf-8").rpartition("refused by\nits name:")[2]
    assert re.findall(r"`([\w.]+)`", told) == sorted(TABLE)
