"""The capability table: one row a node, from which the tests of rules, oracles and random shapes are generated.

A new node needs one more row here and no other test code. Every row says the node's mathematics three times in other
people's words: in NumPy alone, in PyTorch's own functions and in JAX's, so that PyTorch's and JAX's automatic
differentiation are independent oracles of our ``vjp``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from zlib import crc32

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

import miniflow_xp as mf

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]
Cases = tuple[Shapes, ...]
Arrays = tuple[np.ndarray, ...]


def uniform(limit: float) -> Callable[..., Arrays]:
    """A sampler of inputs in ±limit. Rules that multiply their inputs get ±1, so that no term exceeds 1."""
    return lambda rng, *shapes: tuple(rng.uniform(-limit, limit, shape) for shape in shapes)


WITHIN_1 = uniform(1)


def off_the_kink(rng: np.random.Generator, *shapes: Shape) -> Arrays:
    """Both signs, but nothing near 0, where ReLU has no derivative."""
    return tuple(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 4, shape) for shape in shapes)


def spread_out(rng: np.random.Generator, *shapes: Shape) -> Arrays:
    """Numbers along the last axis a step of 2 apart, in any order: spread by 1 or more, or a single one."""
    return tuple(rng.permuted(np.broadcast_to(2.0 * np.arange(s[-1]) + rng.uniform(-1, 1), s), axis=-1) for s in shapes)


def labels_and_logits(rng: np.random.Generator, labels: Shape, logits: Shape) -> Arrays:
    return rng.integers(logits[-1], size=labels), rng.uniform(-4, 4, logits)


def one(*shapes: Shape) -> Cases:
    """Cases of a node with one input."""
    return tuple((shape,) for shape in shapes)


def elementwise(count: int) -> Cases:
    """Cases of a node with ``count`` inputs that broadcast: two that differ and further ones, then equal ones."""
    pairs = [((4, 1, 3), (2, 1)), ((2, 3), (3,)), ((), (2, 3)), ((2, 1), (1, 3)), ((1, 1), (1,))]
    equal = [(shape,) * count for shape in ((), (3,), (2, 3, 4))]
    return (*(pair + ((1,),) * (count - 2) for pair in pairs), *equal)


def any_elementwise(count: int) -> st.SearchStrategy[Shapes]:
    return mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3).map(lambda found: found.input_shapes)


ANY_MATMUL = mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_dims=1, max_side=3)
ANY_ONE = array_shapes(min_dims=0, max_dims=3, max_side=3).map(lambda shape: (shape,))
ANY_WITH_AXIS = array_shapes(min_dims=1, max_dims=3, max_side=3).map(lambda shape: (shape,))


@st.composite
def any_linear(draw: st.DrawFn) -> Shapes:
    """Shapes of X, W and b; b is the last axes of X W, or a few ones."""
    found = draw(ANY_MATMUL)
    product = found.result_shape
    kept = draw(st.integers(0, len(product)))
    b = product[len(product) - kept :]
    return (*found.input_shapes, draw(st.sampled_from([b, (1,) * kept])))


@dataclass(frozen=True, eq=False)
class Row:
    """What is known of one node.

    ``build(*inbound nodes)`` makes it. ``numpy(*arrays)``, ``torch(torch, *tensors)`` and ``jax(jax, *arrays)`` are its
    value. ``cases`` are the shapes that are always tried, the most telling first; ``any_shapes`` draws others.
    ``sample(rng, *shapes)`` draws host arrays from its domain. ``integers``: which inputs are integers and have no
    gradient. ``elementwise``: do the inputs broadcast against each other? ``shared``: a shape that fits all its inputs
    at once, for node(x, x). ``known_failures``: {(test, target): reason}, by the names of a test in test_rules.py that
    fails for now and of the target (see targets.py) on which all its cases do.
    """

    name: str
    build: Callable[..., mf.Node]
    numpy: Callable[..., Any]
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    cases: Cases
    any_shapes: st.SearchStrategy[Shapes]
    sample: Callable[..., Arrays] = WITHIN_1
    integers: Sequence[int] = ()
    elementwise: bool = False
    shared: Shape | None = None
    known_failures: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def count(self) -> int:
        """How many inputs it is built with here."""
        return len(self.cases[0])

    @cached_property
    def node(self) -> mf.Node:
        """One that tests share, on unfed Inputs: rules are pure."""
        return self.fresh()

    def fresh(self) -> mf.Node:
        """A new one, on new Inputs."""
        return self.build(*(mf.Input(dtype=int if n in self.integers else None) for n in range(self.count)))

    def __repr__(self) -> str:
        return self.name


def pairs_apart(rng: np.random.Generator, y: Shape, a: Shape) -> Arrays:
    """Targets, and outputs at least 0.1 from them and from a distance of 1, where losses of pairs have kinks."""
    targets = rng.uniform(-1, 1, y)
    apart = rng.choice([-1.0, 1.0], y) * (rng.uniform(0.1, 0.9, y) + rng.integers(2, size=y))
    return targets, (targets + apart).reshape(a)


def chances_and_logits(rng: np.random.Generator, y: Shape, logits: Shape) -> Arrays:
    return rng.uniform(0, 1, y), rng.uniform(-4, 4, logits)


def probabilities_and_logits(rng: np.random.Generator, y: Shape, logits: Shape) -> Arrays:
    return softmax(rng.uniform(-2, 2, y), -1), rng.uniform(-4, 4, logits)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def cross_entropy(y: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return -np.log(np.take_along_axis(softmax(logits, -1), y[..., None], -1)).mean()


def huber(d: np.ndarray) -> np.ndarray:
    return np.where(d < 1, d * d / 2, d - 0.5)


def jax_huber(jax: Any, d: Any) -> Any:
    return jax.numpy.where(d < 1, d * d / 2, d - 0.5)


def torch_linear(torch: Any, X: Any, W: Any, b: Any) -> Any:
    """``linear`` wants (k, d) and takes a vector, but no stack."""
    if W.ndim > 2:
        return torch.matmul(X, W) + b
    return torch.nn.functional.linear(X, W.mT if W.ndim == 2 else W) + b


def torch_cross_entropy(torch: Any, y: Any, logits: Any) -> Any:
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def jax_cross_entropy(jax: Any, y: Any, logits: Any) -> Any:
    one_hot = jax.nn.one_hot(y, logits.shape[-1], dtype=logits.dtype)
    return -(jax.nn.log_softmax(logits) * one_hot).sum(-1).mean()


ROWS = (
    Row(
        "Add",
        mf.Add,
        numpy=lambda a, b, c: a + b + c,
        torch=lambda torch, *x: torch.stack(torch.broadcast_tensors(*x)).sum(0),
        jax=lambda jax, *x: jax.numpy.stack(jax.numpy.broadcast_arrays(*x)).sum(0),
        cases=elementwise(3),
        any_shapes=any_elementwise(3),
        elementwise=True,
        shared=(2, 3),
    ),
    Row(
        "Mul",
        mf.Mul,
        numpy=lambda a, b, c: a * b * c,
        torch=lambda torch, *x: torch.stack(torch.broadcast_tensors(*x)).prod(0),
        jax=lambda jax, *x: jax.numpy.stack(jax.numpy.broadcast_arrays(*x)).prod(0),
        cases=elementwise(3),
        any_shapes=any_elementwise(3),
        elementwise=True,
        shared=(2, 3),
    ),
    Row(
        "Sub",
        mf.Sub,
        numpy=lambda a, b: a - b,
        torch=lambda torch, a, b: torch.sub(a, b),
        jax=lambda jax, a, b: jax.numpy.subtract(a, b),
        cases=elementwise(2),
        any_shapes=any_elementwise(2),
        elementwise=True,
        shared=(2, 3),
    ),
    Row(
        "Neg",
        mf.Neg,
        numpy=lambda x: 0 - x,
        torch=lambda torch, x: torch.neg(x),
        jax=lambda jax, x: jax.numpy.negative(x),
        cases=one((2, 3, 4), (3,), ()),
        any_shapes=ANY_ONE,
        elementwise=True,
    ),
    Row(
        "MatMul",
        mf.MatMul,
        numpy=lambda a, b: a @ b,
        torch=lambda torch, a, b: torch.matmul(a, b),
        jax=lambda jax, a, b: jax.numpy.matmul(a, b),
        cases=(
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3,)),
            ((2, 2, 3), (3, 4)),
            ((2, 3), (2, 3, 4)),
            ((2, 1, 2, 3), (3, 3, 2)),
            ((3,), (2, 3, 2)),
            ((2, 2, 3), (3,)),
            ((1, 1), (1, 1)),
        ),
        any_shapes=ANY_MATMUL.map(lambda found: found.input_shapes),
        shared=(3, 3),
    ),
    Row(
        "Linear",
        mf.Linear,
        numpy=lambda X, W, b: X @ W + b,
        torch=torch_linear,
        jax=lambda jax, X, W, b: jax.numpy.einsum("...d,d...->...", X, W) + b if W.ndim == 1 else X @ W + b,
        cases=(
            ((4, 3), (3, 2), (2,)),
            ((4, 3), (3, 2), (1, 2)),
            ((4, 3), (3, 2), ()),
            ((4, 3), (3, 2), (4, 2)),
            ((3,), (3, 2), (2,)),
            ((4, 3), (3,), (1,)),
            ((3,), (3,), ()),
            ((2, 4, 3), (3, 2), (2,)),
        ),
        any_shapes=any_linear(),
        shared=(3, 3),
    ),
    Row(
        "Sigmoid",
        mf.Sigmoid,
        numpy=lambda x: 1 / (1 + np.exp(-x)),
        torch=lambda torch, x: torch.sigmoid(x),
        jax=lambda jax, x: jax.nn.sigmoid(x),
        cases=one((2, 3, 4), (3,), ()),
        any_shapes=ANY_ONE,
        sample=uniform(4),
        elementwise=True,
    ),
    Row(
        "Tanh",
        mf.Tanh,
        numpy=lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
        torch=lambda torch, x: torch.tanh(x),
        jax=lambda jax, x: jax.numpy.tanh(x),
        cases=one((2, 3, 4), (3,), ()),
        any_shapes=ANY_ONE,
        sample=uniform(4),
        elementwise=True,
    ),
    Row(
        "ReLU",
        mf.ReLU,
        numpy=lambda x: np.maximum(x, 0),
        torch=lambda torch, x: torch.relu(x),
        jax=lambda jax, x: jax.nn.relu(x),
        cases=one((2, 3, 4), (3,), ()),
        any_shapes=ANY_ONE,
        sample=off_the_kink,
        elementwise=True,
    ),
    Row(
        "Softmax",
        mf.Softmax,
        numpy=lambda x: softmax(x, -1),
        torch=lambda torch, x: torch.softmax(x, -1),
        jax=lambda jax, x: jax.nn.softmax(x, -1),
        cases=one((2, 3, 4), (2, 3), (3,)),
        any_shapes=ANY_WITH_AXIS,
        sample=uniform(4),
    ),
    Row(
        "Softmax axis 0",
        lambda x: mf.Softmax(x, axis=0),
        numpy=lambda x: softmax(x, 0),
        torch=lambda torch, x: torch.softmax(x, 0),
        jax=lambda jax, x: jax.nn.softmax(x, 0),
        cases=one((2, 3, 4), (2, 3), (3,)),
        any_shapes=ANY_WITH_AXIS,
        sample=uniform(4),
    ),
    Row(
        "LogSoftmax",
        mf.LogSoftmax,
        numpy=lambda x: np.log(softmax(x, -1)),
        torch=lambda torch, x: torch.log_softmax(x, -1),
        jax=lambda jax, x: jax.nn.log_softmax(x, -1),
        cases=one((2, 3, 4), (2, 3), (3,)),
        any_shapes=ANY_WITH_AXIS,
        sample=uniform(4),
    ),
    Row(
        "LogSoftmax axis 0",
        lambda x: mf.LogSoftmax(x, axis=0),
        numpy=lambda x: np.log(softmax(x, 0)),
        torch=lambda torch, x: torch.log_softmax(x, 0),
        jax=lambda jax, x: jax.nn.log_softmax(x, 0),
        cases=one((2, 3, 4), (2, 3), (3,)),
        any_shapes=ANY_WITH_AXIS,
        sample=uniform(4),
    ),
    Row(
        "Standardise",
        mf.Standardise,
        numpy=lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5),
        torch=lambda torch, x: torch.nn.functional.layer_norm(x, x.shape[-1:]),
        jax=lambda jax, x: jax.nn.standardize(x, axis=-1, epsilon=1e-5),
        cases=one((2, 3, 4), (2, 3), (3,)),
        any_shapes=ANY_WITH_AXIS,
        sample=spread_out,
    ),
    Row(
        "MSE",
        mf.MSE,
        numpy=lambda y, a: np.square(y.ravel() - a.ravel()).mean(),
        torch=lambda torch, y, a: torch.nn.functional.mse_loss(a.flatten(), y.flatten()),
        jax=lambda jax, y, a: jax.numpy.square(a.ravel() - y.ravel()).mean(),
        cases=(((4, 3), (4, 3)), ((5,), (5,)), ((5,), (5, 1)), ((6,), (1, 6)), ((2, 3, 2), (2, 3, 2)), ((), ())),
        any_shapes=ANY_ONE.map(lambda shapes: shapes * 2),
        shared=(2, 3),
    ),
    Row(
        "CrossEntropy",
        mf.CrossEntropy,
        numpy=cross_entropy,
        torch=torch_cross_entropy,
        jax=jax_cross_entropy,
        cases=(((4,), (4, 3)), ((2, 3), (2, 3, 4)), ((), (3,)), ((4,), (4, 1))),
        any_shapes=ANY_WITH_AXIS.map(lambda shapes: (shapes[0][:-1], shapes[0])),
        sample=labels_and_logits,
        integers=(0,),
    ),
    Row(
        "MAE",
        mf.MAE,
        numpy=lambda y, a: np.abs(y.ravel() - a.ravel()).mean(),
        torch=lambda torch, y, a: torch.nn.functional.l1_loss(a.flatten(), y.flatten()),
        jax=lambda jax, y, a: jax.numpy.abs(a.ravel() - y.ravel()).mean(),
        cases=(((4, 3), (4, 3)), ((5,), (5,)), ((5,), (5, 1)), ((6,), (1, 6)), ((), ())),
        any_shapes=ANY_ONE.map(lambda shapes: shapes * 2),
        sample=pairs_apart,
        shared=(2, 3),
    ),
    Row(
        "Huber",
        mf.Huber,
        numpy=lambda y, a: huber(np.abs(y.ravel() - a.ravel())).mean(),
        torch=lambda torch, y, a: torch.nn.functional.huber_loss(a.flatten(), y.flatten()),
        jax=lambda jax, y, a: jax_huber(jax, jax.numpy.abs(y.ravel() - a.ravel())).mean(),
        cases=(((4, 3), (4, 3)), ((5,), (5,)), ((5,), (5, 1)), ((6,), (1, 6)), ((), ())),
        any_shapes=ANY_ONE.map(lambda shapes: shapes * 2),
        sample=pairs_apart,
        shared=(2, 3),
    ),
    Row(
        "BinaryCrossEntropy",
        mf.BinaryCrossEntropy,
        numpy=lambda y, x: (np.logaddexp(0, x.ravel()) - y.ravel() * x.ravel()).mean(),
        torch=lambda torch, y, x: torch.nn.functional.binary_cross_entropy_with_logits(x.flatten(), y.flatten()),
        jax=lambda jax, y, x: (jax.nn.softplus(x.ravel()) - y.ravel() * x.ravel()).mean(),
        cases=(((4, 3), (4, 3)), ((5,), (5,)), ((5,), (5, 1)), ((6,), (1, 6)), ((), ())),
        any_shapes=ANY_ONE.map(lambda shapes: shapes * 2),
        sample=chances_and_logits,
    ),
    Row(
        "KLDivergence",
        mf.KLDivergence,
        numpy=lambda y, x: (y * (np.log(y) - np.log(softmax(x, -1)))).sum(-1).mean(),
        torch=lambda torch, y, x: torch.nn.functional.kl_div(x.log_softmax(-1), y, reduction="none").sum(-1).mean(),
        jax=lambda jax, y, x: (y * (jax.numpy.log(y) - jax.nn.log_softmax(x))).sum(-1).mean(),
        cases=(((4, 3), (4, 3)), ((2, 3, 4), (2, 3, 4)), ((3,), (3,))),
        any_shapes=ANY_WITH_AXIS.map(lambda shapes: shapes * 2),
        sample=probabilities_and_logits,
    ),
)


@cache
def example(row: Row, shapes: Shapes, dtype: str) -> tuple[Arrays, np.ndarray]:
    """Inputs of these shapes and a gradient that arrives at the value: float64 arrays that ``dtype`` holds exactly."""
    rng = np.random.default_rng(crc32(f"{row} {shapes}".encode()))
    inputs = tuple(exact(array, dtype) for array in row.sample(rng, *shapes))
    return inputs, exact(rng.uniform(-1, 1, np.shape(row.numpy(*inputs))), dtype)


def exact(array: Any, dtype: str) -> np.ndarray:
    """``array`` rounded to what ``dtype`` holds, read-only because examples are shared; integers as they are."""
    array = np.asarray(array)
    rounded = array if array.dtype.kind == "i" else array.astype(dtype).astype("float64")
    rounded.flags.writeable = False
    return rounded
