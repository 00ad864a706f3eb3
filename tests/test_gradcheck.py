"""gradcheck passes right nodes, finds planted mistakes and says where, and leaves no trace."""

import re

import numpy as np
import pytest
from array_api_compat import array_namespace

from miniflow_xp import (
    MSE,
    Add,
    CrossEntropy,
    Input,
    Linear,
    LogSoftmax,
    MatMul,
    Mul,
    Neg,
    Node,
    Parameter,
    ReLU,
    Sigmoid,
    Softmax,
    Sub,
    Tanh,
    custom_vjp,
    errors,
    forward_and_backward,
    grad,
    gradcheck,
    to_numpy,
    topological_sort,
    use_backend,
)


def numbers(*shape):
    """Fixed numbers between -2 and 2 and none near 0, where ReLU has a corner."""
    count = int(np.prod(shape))
    draw = np.random.default_rng(count).uniform(0.1, 2, count) * np.where(np.arange(count) % 2, 1, -1)
    return draw.reshape(shape)


# Right gradients


RIGHT = {
    "Add": (Add, [(2, 3), (3,), ()]),
    "Mul": (Mul, [(2, 3), (2, 1), (3,)]),
    "Sub": (Sub, [(2, 3), (1, 3)]),
    "Neg": (Neg, [(4,)]),
    "MatMul": (MatMul, [(2, 3), (3, 4)]),
    "MatMul of stacks": (MatMul, [(2, 2, 3), (3, 4)]),
    "MatMul of vectors": (MatMul, [(3,), (3,)]),
    "Linear": (Linear, [(4, 3), (3, 2), (2,)]),
    "Sigmoid": (Sigmoid, [(2, 3)]),
    "Tanh": (Tanh, [(2, 3)]),
    "ReLU": (ReLU, [(2, 3)]),
    "Softmax": (Softmax, [(2, 3)]),
    "LogSoftmax": (LogSoftmax, [(2, 3)]),
    "MSE": (MSE, [(4,), (4, 1)]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_nodes_pass(backend, case):
    kind, shapes = RIGHT[case]
    inputs = [Input() for _ in shapes]
    gradcheck(kind(*inputs), {x: numbers(*shape) for x, shape in zip(inputs, shapes, strict=True)})


def test_cross_entropy_passes_and_its_labels_are_left_out(backend):
    y, logits = Input(dtype=int), Input()
    gradcheck(CrossEntropy(y, logits), {y: [0, 2, 1], logits: numbers(3, 3)})


class Network:
    """Two layers and a shared input; ``square`` stands in the middle."""

    def __init__(self, square):
        self.X, self.y = Input("features"), Input("target")
        self.W1, self.b1 = Input("W1"), Parameter(numbers(4), name="b1")
        self.W2 = Parameter(numbers(4, 2), name="W2")
        self.hidden = Linear(self.X, self.W1, self.b1, name="hidden")
        self.square = square(self.hidden)
        self.output = MatMul(Tanh(self.square), self.W2, name="output")
        self.cost = MSE(self.y, Mul(self.output, self.output), name="cost")
        self.feed = {self.X: numbers(5, 3), self.y: numbers(5, 2), self.W1: 0.3 * numbers(3, 4)}

    def nodes(self):
        return topological_sort(self.feed)


class Square(Node):
    """x²; ``name`` as in the tests' messages."""

    def __init__(self, x):
        super().__init__([x], name="square")

    def compute(self, xp, x):
        return x * x

    def vjp(self, xp, gradient, value, x):
        return (lambda: 2 * x * gradient,)


class StatefulSquare(Node):
    """x² as the lesson teaches: its own forward and backward."""

    factor = 2

    def __init__(self, x):
        super().__init__([x], name="square")

    def forward(self):
        self.x = self.inbound_nodes[0].value
        self.value = self.x * self.x

    def backward(self):
        self.gradients = {self.inbound_nodes[0]: 0 * self.x}
        for reader in self.outbound_nodes:
            mine = self.factor * self.x * reader.gradients[self]
            self.gradients[self.inbound_nodes[0]] = self.gradients[self.inbound_nodes[0]] + mine


@pytest.mark.parametrize("square", [Square, StatefulSquare])
def test_a_right_graph_passes(backend, square):
    network = Network(square)
    gradcheck(network.cost, network.feed)
    gradcheck(network.nodes())


def test_a_graph_fed_in_float32_is_checked_in_float64(backend):
    network = Network(Square)
    gradcheck(network.cost, {node: array.astype("float32") for node, array in network.feed.items()}, rtol=1e-7)


def test_a_graph_fed_with_integers_is_checked(backend):
    x = Input()
    gradcheck(Mul(x, x), {x: [1, 2, 3]})


def test_an_input_used_twice_passes(backend):
    x = Input()
    gradcheck(Mul(x, Add(x, x), Sigmoid(x)), {x: numbers(3)})


# Planted mistakes, each in one node of a bigger graph


class Factor(Square):
    def vjp(self, xp, gradient, value, x):
        return (lambda: 3 * x * gradient,)


class Slight(Square):
    """Wrong by a part in a thousand."""

    def vjp(self, xp, gradient, value, x):
        return (lambda: 2.002 * x * gradient,)


class Sign(Square):
    def vjp(self, xp, gradient, value, x):
        return (lambda: -2 * x * gradient,)


class Ignored(Square):
    """Forgets the gradient that arrives."""

    def vjp(self, xp, gradient, value, x):
        return (lambda: 2 * x,)


class Missing(Square):
    """Says that there is no gradient."""

    def vjp(self, xp, gradient, value, x):
        return (None,)


class StatefulFactor(StatefulSquare):
    factor = 3


class StatefulLast(StatefulSquare):
    """Keeps the gradient of one reader only; wrong as soon as there are two."""

    def backward(self):
        reader = self.outbound_nodes[-1]
        self.gradients = {self.inbound_nodes[0]: 2 * self.x * reader.gradients[self]}


def failure(output, feed, **options):
    with pytest.raises(errors.GradcheckError) as caught:
        gradcheck(output, feed, **options)
    assert isinstance(caught.value, AssertionError)
    for part in (caught.value.where, caught.value.got, caught.value.expected, caught.value.remedy):
        assert part
        assert part in str(caught.value)
    return caught.value


def last_number(text):
    return float(re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)[-1])


@pytest.mark.parametrize("wrong", [Factor, Slight, Sign, Ignored, Missing, StatefulFactor])
def test_a_wrong_gradient_is_found_and_named(backend, wrong):
    network = Network(wrong)
    error = failure(network.cost, network.feed)
    assert error.where == f"{wrong.__name__} 'square'"
    assert "Linear 'hidden'" in error.got
    assert re.search(r"\[\d, \d\]", error.got)


@pytest.mark.parametrize(("wrong", "ratio"), [(Factor, 1.5), (Sign, -1), (Missing, 0), (StatefulFactor, 1.5)])
def test_the_failure_tells_expected_and_got(backend, wrong, ratio):
    network = Network(wrong)
    error = failure(network.cost, network.feed)
    expected = last_number(error.expected)
    assert expected != 0
    # the default tolerance is 1e-5 relative; ten digits are printed
    assert last_number(error.got) == pytest.approx(ratio * expected, rel=1e-5, abs=1e-9)


def test_a_reader_that_is_forgotten_is_found(backend):
    x = Input("features")
    square = StatefulLast(x)
    gradcheck(Sigmoid(square), {x: numbers(3)})
    error = failure(Mul(Sigmoid(square), square), {x: numbers(3)})
    assert "features" in str(error)


class OneInput(Node):
    """a · b, wrong for b."""

    def __init__(self, a, b):
        super().__init__([a, b], name="product")

    def compute(self, xp, a, b):
        return a * b

    def vjp(self, xp, gradient, value, a, b):
        return (lambda: gradient * b, lambda: gradient * b)


def test_the_input_is_named(backend):
    a, b = Input("left"), Input("right")
    error = failure(MSE(OneInput(Sigmoid(a), b), 0 * b), {a: numbers(3), b: numbers(3)})
    assert error.where == "OneInput 'product'"
    assert "Input 'right'" in error.got


class OneElement(Square):
    """x², wrong in element [7, 3] only."""

    def vjp(self, xp, gradient, value, x):
        here = x == x[7, 3]  # no two of ``numbers`` are the same
        return (lambda: xp.where(here, 2.5 * x, 2 * x) * gradient,)


def test_the_element_is_named(backend):
    x = Input("features")
    error = failure(OneElement(x), {x: numbers(9, 5)})
    assert "[7, 3]" in error.got


def test_all_elements_of_a_large_array_are_tried_on_request():
    x = Input("features")
    feed = {x: numbers(40, 30)}
    gradcheck(OneElement(x), feed, elements=1)
    assert "[7, 3]" in failure(OneElement(x), feed, elements=None).got


def test_a_wrong_shape_is_found(backend):
    class Flat(Square):
        def vjp(self, xp, gradient, value, x):
            return (lambda: xp.sum(2 * x * gradient, axis=0),)

    x = Input("features")
    with pytest.raises(errors.MiniflowError, match="'square'"):
        gradcheck(Flat(x), {x: numbers(2, 3)})


def test_a_wrong_node_off_the_path_is_not_looked_at(backend):
    x = Input()
    Factor(x)
    gradcheck(Sigmoid(x), {x: numbers(3)})


def test_wrt_of_a_node_that_the_output_does_not_depend_on(backend):
    x, stranger = Input("features"), Input("stranger")
    with pytest.raises(errors.MiniflowError, match="'stranger'"):
        gradcheck(Sigmoid(x), {x: numbers(3)}, wrt=[stranger])


# NaN


def test_nan_that_was_fed_is_told(backend):
    network = Network(Square)
    network.feed[network.X][2, 1] = np.nan
    error = failure(network.cost, network.feed)
    assert error.where == "Input 'features'"
    assert "[2, 1]" in error.got
    assert "nan" in error.got


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_nan_is_told_where_it_first_appears(backend):
    x = Input("features")
    large = Mul(x, 1e200, name="large")
    infinite = Mul(large, large, name="infinite")
    cost = MSE(Sub(infinite, infinite, name="nan"), x)
    error = failure(cost, {x: [1e-200, 3.0]})
    assert error.where == "Mul 'infinite'"
    assert "[1]" in error.got


class RootOfShifted(Node):
    """√(x - 1), which NaN leaves below 1."""

    def __init__(self, x):
        super().__init__([x], name="root")

    def compute(self, xp, x):
        return xp.sqrt(x - 1)

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient / (2 * value),)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_nan_of_a_node_is_told(backend):
    x = Input("features")
    cost = MSE(Sigmoid(RootOfShifted(x)), x)
    gradcheck(cost, {x: [2.0, 3.0]})
    error = failure(cost, {x: [2.0, 0.5]})
    assert error.where == "RootOfShifted 'root'"
    assert "[1]" in error.got


# Nothing stays changed


def state(nodes):
    return [
        (
            id(node.value),
            None if node.value is None else to_numpy(node.value).tolist(),
            {other: to_numpy(gradient).tolist() for other, gradient in node.gradients.items()},
            list(node.inbound_nodes),
            list(node.outbound_nodes),
        )
        for node in nodes
    ]


@pytest.mark.parametrize("square", [Square, Factor, StatefulSquare, StatefulFactor])
@pytest.mark.parametrize("after_a_pass", [False, True])
def test_nothing_stays_changed(backend, square, after_a_pass):
    network = Network(square)
    host = {node: array.copy() for node, array in network.feed.items()}
    nodes = [network.X, network.y, network.W1, network.b1, network.W2, network.hidden, network.square]
    nodes += [network.output, network.cost]
    if after_a_pass:
        network.feed[network.X] = numbers(2, 3)  # other data than those of the check
        network.feed[network.y] = numbers(2, 2)
        forward_and_backward(network.nodes())
    before = state(nodes)
    if "Factor" in square.__name__:
        failure(network.cost, host)
    else:
        gradcheck(network.cost, host)
    assert state(nodes) == before
    for fed, fresh in zip(host.values(), Network(square).feed.values(), strict=True):
        np.testing.assert_array_equal(fed, fresh)


def test_nothing_stays_changed_after_nan(backend):
    network = Network(Square)
    nodes = network.nodes()
    forward_and_backward(nodes)
    before = state(nodes)
    failure(network.cost, {**network.feed, network.W1: np.full((3, 4), np.nan)})
    assert state(nodes) == before


def test_arrays_that_were_fed_are_not_written_to(backend):
    x = Input()
    array = numbers(2, 3)
    array.flags.writeable = False
    gradcheck(Sigmoid(x), {x: array})


def test_jax_without_64_bits_says_so(run_python):
    pytest.importorskip("jax")
    program = """
from miniflow_xp import *
from miniflow_xp import errors
x = Input("features")
try:
    gradcheck(Sigmoid(x), {x: [1.0, 2.0]})
except errors.MiniflowError as error:
    assert "float64" in str(error) and error.remedy
else:
    raise AssertionError("differences in float32 were trusted")
"""
    run_python(program, MINIFLOW_BACKEND="jax", JAX_ENABLE_X64="0")


# Symmetric matrices


@pytest.fixture
def factorises(backend):
    """A backend that can factorise; CuPy does so by a library of its own, which a machine may lack."""
    try:
        backend.xp.linalg.cholesky(backend.asarray(np.eye(2)))
    except ImportError as error:
        pytest.skip(f"no Cholesky factors here: {str(error).splitlines()[0]}")


class Cholesky(Node):
    """L, lower triangular, with L Lᵀ = A; A is (n, n), symmetric and positive definite."""

    factor = 1

    def __init__(self, A):
        super().__init__([A], name="cholesky")

    def compute(self, xp, A):
        return xp.linalg.cholesky(A)

    def vjp(self, xp, gradient, L, A):
        """L⁻ᵀ Φ(Lᵀ Ḡ) L⁻¹, where Φ takes the lower triangle and half of the diagonal."""

        def slope():
            M = xp.matmul(xp.matrix_transpose(L), gradient)
            half = xp.linalg.solve(xp.matrix_transpose(L), (xp.tril(M) + xp.tril(M, k=-1)) / 2)
            return self.factor * xp.linalg.solve(xp.matrix_transpose(L), xp.matrix_transpose(half))

        return (slope,)


class WrongCholesky(Cholesky):
    factor = 2


SPD = np.array([[4.0, 1.0, -0.5], [1.0, 3.0, 0.25], [-0.5, 0.25, 2.0]])


def test_a_rule_of_symmetric_matrices_passes_along_symmetric_directions(factorises):
    A = Input("A")
    gradcheck(Cholesky(A), {A: SPD}, symmetric=[A])
    gradcheck(MSE(Cholesky(A), 0 * A), {A: SPD}, symmetric=A)


def test_without_a_word_every_element_moves_alone():
    A = Input("A")
    assert "Input 'A'" in failure(Cholesky(A), {A: SPD}).got


def test_a_wrong_rule_of_symmetric_matrices_is_found(factorises):
    A = Input("A")
    error = failure(WrongCholesky(A), {A: SPD}, symmetric=[A])
    assert "Input 'A', at [0, 0]" in error.got


class WrongOffDiagonal(Cholesky):
    """Right on the diagonal."""

    def vjp(self, xp, gradient, L, A):
        (slope,) = super().vjp(xp, gradient, L, A)
        return (lambda: slope() + xp.triu(xp.ones_like(A), k=1),)


def test_elements_that_move_together_are_named_both(factorises):
    A = Input("A")
    error = failure(WrongOffDiagonal(A), {A: SPD}, symmetric=[A])
    assert "Input 'A', at [0, 1] and [1, 0] together" in error.got
    assert last_number(error.got) - last_number(error.expected) == pytest.approx(1, rel=1e-6)


def test_a_symmetric_node_inside_of_a_graph(factorises):
    """A covariance X Xᵀ + I: of X each element moves alone, of what Cholesky reads those of a pair together."""
    X, XT = Input("X"), Input("X transposed")
    S = Add(MatMul(X, XT), np.eye(2), name="covariance")
    X_host = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    gradcheck(Cholesky(S), {X: X_host, XT: X_host.T}, wrt=[], symmetric=[S])


def test_stacks_of_symmetric_matrices():
    class TraceOfSquare(Node):
        """tr(Aᵢ Aᵢ) of each matrix of a stack, whose gradient is told as one triangle, twice off the diagonal."""

        def compute(self, xp, A):
            return xp.sum(A * A, axis=(-2, -1))

        def vjp(self, xp, gradient, value, A):
            return (lambda: 2 * (xp.tril(A) + xp.tril(A, k=-1)) * gradient[:, None, None],)

    A = Input("A")
    gradcheck(TraceOfSquare([A]), {A: np.stack([SPD, 2 * SPD])}, symmetric=[A])


def no_symmetry(value, symmetric=None):
    A = Input("A")
    with pytest.raises(errors.MiniflowError) as caught:
        gradcheck(Mul(A, A), {A: value}, symmetric=[A] if symmetric is None else symmetric)
    return caught.value


def test_what_is_not_symmetric_is_told():
    assert "[0, 1]" in no_symmetry([[1.0, 2.0], [3.0, 4.0]]).got
    assert "(2, 3)" in no_symmetry(np.ones((2, 3))).got
    assert "()" in no_symmetry(1.0).got
    stranger = no_symmetry(SPD, [Input("stranger")])
    assert (stranger.where, stranger.got) == ("Input 'stranger'", "it is declared symmetric")
    assert "symmetric" in str(no_symmetry(SPD, [3]))


# Functions of arrays


def of_arrays(x, w):
    """A function with operators, functions, a method and an index."""
    xp = array_namespace(x)
    return (xp.exp(x) * w)[1:, ...].sum() / 2 + xp.sum(x, axis=0)


def test_a_function_passes_on_the_backend_of_its_arrays(backend):
    x, w = backend.asarray(numbers(3, 2)), backend.asarray(numbers(2), "float32")
    with use_backend("numpy"):
        gradcheck(of_arrays, x, w)
        gradcheck(lambda x: of_arrays(x, 2.0), x)


def test_second_derivatives_are_those_of_its_gradient(backend):
    gradcheck(grad(lambda x: (x * x * x).sum()), backend.asarray(numbers(3)))


def test_arguments_and_results_are_trees_and_integers_are_left_out(backend):
    def of_trees(given, n):
        return {"a": given["w"] * given["b"][0], "n": given["w"] ** 2 * array_namespace(n).astype(n, given["w"].dtype)}

    tree = {"w": backend.asarray(numbers(3)), "b": [backend.asarray(numbers(3))]}
    gradcheck(of_trees, tree, backend.asarray(np.array([1, 2, 3])))


def test_complex_arguments_and_results(backend):
    if backend.name == "strict":
        pytest.skip("its operators mix no real and complex arrays")
    z = backend.asarray(numbers(3) + 1j * numbers(3)[::-1])
    gradcheck(lambda z: array_namespace(z).exp(z) * z, z)


def test_a_wrong_custom_vjp_is_found(backend):
    @custom_vjp
    def cube(x):
        return x * x * x

    cube.defvjp(lambda x: (cube(x), x), lambda x, gradient: (3 * x * x * gradient,))
    gradcheck(cube, backend.asarray(numbers(3)))
    cube.defvjp(lambda x: (cube(x), x), lambda x, gradient: (2 * x * x * gradient,))
    with pytest.raises(errors.GradcheckError, match=r"cube .*made at .*Input 'argument 0'.*central differences"):
        gradcheck(cube, backend.asarray(numbers(3)))


def test_symmetric_arguments_of_a_function():
    """The gradient of tr(A S) is a triangle here: right where S stays symmetric."""
    A = np.array([[1.0, 2.0], [3.0, 4.0]])

    @custom_vjp
    def trace(S):
        return (S * A.T).sum()

    trace.defvjp(lambda S: (trace(S), S), lambda S, g: (g * array_namespace(S).asarray([[1.0, 5.0], [0.0, 4.0]]),))
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    gradcheck(trace, S, symmetric=0)
    with pytest.raises(errors.GradcheckError):
        gradcheck(trace, S)


def test_what_is_no_check_is_told():
    with pytest.raises(errors.GradcheckError, match="no argument is an array of floats"):
        gradcheck(of_arrays)
    x = Input()
    with pytest.raises(errors.GraphError, match="things by position"):
        gradcheck(x * 1, {x: 1.0}, [x], 3)
