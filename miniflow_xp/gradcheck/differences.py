"""Is a gradient right? Every node's, and the whole graph's, against central differences in float64."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import not_negative, whole
from miniflow_xp.errors import DtypeError, GradcheckError, GraphError, NotInGraphError
from miniflow_xp.feed import admit, checked_feed
from miniflow_xp.gradcheck.symmetric import Place, check_symmetric, moving_together
from miniflow_xp.graph import (
    ancestors,
    at_dtype,
    check_all_in,
    check_floats,
    forget_gradients,
    run_backward,
)
from miniflow_xp.node import Constant, Input, Node, as_nodes
from miniflow_xp.nodes.gradients import no_gradient
from miniflow_xp.nodes.wiring import check_sorted
from miniflow_xp.switch import get_backend, use_backend


def gradcheck(
    output: Node | Sequence[Node] | Callable[..., Any] | str,
    *given: Any,
    feed: Mapping[Input, Any] | None = None,
    wrt: Sequence[Input] | None = None,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    elements: int | None = 100,
    seed: int = 0,
    symmetric: Any = (),
) -> None:
    """Compare gradients with (f(x + h) - f(x - h)) / 2h in float64, on the backend in use; returns if all agree.

    ``gradcheck(output, feed, wrt)`` checks a graph, ``gradcheck(f, *arrays)`` a function of arrays, on the backend that
    these belong to; ``grad(f)`` is one, whose check is that of second derivatives. ``gradcheck("linalg.solve")``
    checks the examples that the package has of a function of its table, on the backend in use.

    ``output``: a node, or a sorted list whose last node is meant; all nodes that it depends on are checked one by one
    at the values they have for ``feed`` ({Input: data}), and then the leaves ``wrt`` (default: all that are not
    integers) through the whole graph. A node may have a rule or, as in the lesson, its own ``forward`` and
    ``backward``. A value of many elements is weighed by random numbers from ``seed``. ``elements``: how many elements
    of each input are tried, None for all; h is the cube root of the machine's epsilon times max(1, |x|). A gradient
    passes within ``atol + rtol·|quotient|`` and the quotient's own rounding. Nothing stays changed on the nodes.

    ``symmetric``: nodes, fed or computed, whose values are symmetric matrices (in the last two axes) and stay so, as
    what reads them needs it: a Cholesky factorisation, say. Elements (i, j) and (j, i) move together, along
    E = eᵢeⱼᵀ + eⱼeᵢᵀ, or eᵢeᵢᵀ on the diagonal, and ⟨G, E⟩ = Gᵢⱼ + Gⱼᵢ, or Gᵢᵢ, of the gradient G is what the quotient
    has to be: G may be symmetric, or a triangle with twice the numbers off the diagonal. Of a function: the numbers of
    the arguments.

    Raises GradcheckError, which names node, input, element, both gradients, or the node where NaN first appears;
    DtypeError where the backend has no float64, or ``wrt`` names declared integers; what ``topological_sort`` raises.
    """
    if isinstance(output, str):
        from miniflow_xp.gradcheck.examples import examples_of  # here: importing this package stays quick

        backend = get_backend()
        for case in examples_of(output):
            has_elements = all(array.size for array in case.arrays)  # others have nothing to move
            if has_elements and backend.name not in case.skip:
                arrays = map(backend.asarray, case.arrays)
                gradcheck(case.alone(), *arrays, rtol=rtol, atol=atol, elements=elements, seed=seed)
        return
    if callable(output) and not isinstance(output, Node):
        from miniflow_xp.gradcheck.functions import graph_of  # here: importing this package stays quick

        graph = graph_of(output, given)
        with use_backend(graph.backend):
            check_graph(graph.node, graph.feed, None, rtol, atol, elements, seed, graph.numbered(symmetric))
        return
    if len(given) > 2:
        raise GraphError(
            "gradcheck",
            f"it was given {len(given) + 1} things by position",
            "of a graph these are the output, a feed and the leaves to check",
            "Write gradcheck(node, feed, wrt)",
        )
    of_graph: list[Any] = [*given, *[feed, wrt][len(given) :]]
    fed, leaves = of_graph
    check_graph(output, fed, leaves, rtol, atol, elements, seed, symmetric)


def check_graph(
    output: Any,
    feed: Mapping[Input, Any] | None,
    wrt: Sequence[Input] | None,
    rtol: float,
    atol: float,
    elements: int | None,
    seed: int,
    symmetric: Any,
) -> None:
    """Check the gradients of a graph's nodes, and of its leaves: see ``gradcheck``."""
    backend = get_backend()
    order = ancestors([check_sorted([output] if isinstance(output, Node) else output, "gradcheck")[-1]])
    wanted = None if wrt is None else as_nodes(wrt, "gradcheck, wrt")
    check_floats(wanted or ())
    feed = checked_feed(feed, "gradcheck")
    with passed_in_float64(order, feed, backend):
        mirrored = as_nodes(symmetric, "gradcheck, symmetric")
        for node in mirrored:
            if node not in order:
                raise NotInGraphError(
                    str(node),
                    "it is declared symmetric",
                    "the output does not depend on it",
                    "Leave it out of symmetric",
                )
            check_symmetric(node, backend.to_numpy(node.value))
        check = Checker(backend, rtol, atol, elements, seed, mirrored)
        for node in order:
            if not isinstance(node, Input | Constant):
                check(node, [node], list(dict.fromkeys(node.inbound_nodes)))
        leaves = [node for node in order if isinstance(node, Input)]
        for leaf in wanted or ():
            if leaf not in leaves:
                raise no_gradient(leaf, order[-1])
        check(order[-1], order, list(leaves) if wanted is None else wanted)


@contextmanager
def passed_in_float64(order: Sequence[Node], feed: Mapping[Input, Any], backend: Backend) -> Iterator[None]:
    """A sorted graph with the values that its nodes have for ``feed`` in float64; at the end they are as they were.

    Raises DtypeError where the backend has no float64, GradcheckError where a value is not finite.
    """
    if backend.storable("float64") != "float64":
        raise DtypeError(
            f"gradcheck on {backend!r}",
            "float64 is not available there",
            "differences need float64",
            "For JAX set JAX_ENABLE_X64=1; or check on another backend",
        )
    check_all_in(order, feed)
    with backend.activate(), restored(order):
        leaves = [node for node in order if isinstance(node, Input)]
        raw = {leaf: feed.get(leaf, leaf.value) for leaf in leaves}
        for leaf, array in admit(raw, backend).items():
            leaf.value = backend.asarray(array, "float64") if dtypes.is_float(array) else array
        for constant, value in at_dtype(
            [n for n in order if isinstance(n, Constant)], [n.value for n in leaves]
        ).items():
            constant.value = value
        run(order)
        first_nan(order, backend)
        yield


class Difference(NamedTuple):
    """Elements of an input, which move together, whose gradient is not the difference quotient.

    ``got``: the gradient; ``expected``: the quotient; ``sides``: the two quotients to one side, which differ at a kink.
    """

    node: Node
    places: list[Place]
    got: float
    expected: float
    sides: tuple[float, float]


class Checker:
    """Compares gradients of an output, through the nodes of a path, with difference quotients."""

    def __init__(
        self, backend: Backend, rtol: float, atol: float, elements: int | None, seed: int, symmetric: Sequence[Node]
    ) -> None:
        import numpy as np

        self.np = np
        self.backend = backend
        self.symmetric = set(symmetric)
        self.rtol, self.atol = not_negative(rtol, "gradcheck, rtol"), not_negative(atol, "gradcheck, atol")
        self.elements = None if elements is None else whole(elements, "gradcheck, elements", 1)
        self.random = np.random.default_rng(whole(seed, "gradcheck, seed", 0))

    def __call__(self, output: Node, path: list[Node], inputs: list[Node]) -> None:
        """Check the gradients of ``inputs`` through ``path``, a sorted list that ends with ``output``."""
        for found in self.differences(output, path, inputs):
            raise wrong(output, path, found)

    def differences(
        self, output: Node, path: list[Node], inputs: list[Node], weights: Array | None = None
    ) -> Iterator[Difference]:
        """The elements of ``inputs`` whose gradients through ``path`` are wrong.

        ``weights``: the gradient that arrives at ``output``, a NumPy array; by default random numbers.
        """
        inputs = [node for node in inputs if not isinstance(node, Constant) and dtypes.is_float(node.value)]
        if weights is None:
            shape = shape_of(output.value)
            weights = self.random.uniform(0.5, 1.5, shape) if shape else self.np.ones(())
        gradients = self.analytic(output, path, inputs, weights)

        def weighted() -> tuple[float, float]:
            run(path)
            terms = weights * self.backend.to_numpy(output.value)
            return float(terms.sum()), float(abs(terms).sum())

        for node in inputs:
            yield from self.compare(node, gradients[node], weighted)
        run(path)

    def analytic(self, output: Node, path: list[Node], inputs: list[Node], weights: Array) -> dict[Node, Array]:
        """Gradients of the weighted output as NumPy arrays; zeros where none arrives."""
        forget_gradients([*path, *inputs])
        cost = Node(name="weighted sum")  # for a ``backward`` of the node's own, which sums over its outbound nodes
        cost.gradients = {output: self.backend.asarray(weights, "float64")}
        readers, output.outbound_nodes = output.outbound_nodes, [cost]
        gradients = dict(cost.gradients)
        try:
            run_backward(path, gradients, {*path, *inputs})
        finally:
            output.outbound_nodes = readers
        return {
            node: self.backend.to_numpy(gradients[node]).reshape(shape_of(node.value))
            if node in gradients
            else self.np.zeros(shape_of(node.value))
            for node in inputs
        }

    def compare(self, node: Node, gradient: Array, weighted: Callable[[], tuple[float, float]]) -> Iterator[Difference]:
        """The elements of ``node`` whose gradient is not the difference quotient."""
        value, host = node.value, self.backend.to_numpy(node.value)
        for places in self.directions(host, node in self.symmetric):
            place = places[0]
            step = float(self.np.finfo(float).eps) ** (1 / 3) * max(1.0, abs(float(host[place])))
            ends = []
            try:
                for sign in (1, -1):
                    moved = host.copy()
                    for moving in places:
                        moved[moving] += sign * step
                    node.value = self.backend.asarray(moved)
                    ends.append(weighted())
            finally:
                node.value = value
            quotient = (ends[0][0] - ends[1][0]) / (2 * step)
            rounding = 10 * float(self.np.finfo(float).eps) * max(ends[0][1], ends[1][1]) / step
            slope = sum(float(gradient[moving]) for moving in places)
            if not abs(slope - quotient) <= self.atol + self.rtol * abs(quotient) + rounding:
                here = weighted()[0]
                sides = (ends[0][0] - here) / step, (here - ends[1][0]) / step
                yield Difference(node, places, slope, quotient, sides)

    def directions(self, host: Array, symmetric: bool) -> list[list[Place]]:
        """The elements to try, together those that move so: all, or as many as asked for, drawn from the seed."""
        if symmetric:
            every = [moving_together(p, symmetric) for p in self.np.ndindex(host.shape) if p[-2] <= p[-1]]
            return [every[n] for n in self.chosen(len(every))]
        return [[tuple(map(int, self.np.unravel_index(n, host.shape)))] for n in self.chosen(host.size)]

    def chosen(self, count: int) -> Sequence[int]:
        """Which of so many are tried."""
        if self.elements is None or count <= self.elements:
            return range(count)
        return sorted(self.random.choice(count, self.elements, replace=False))


def run(path: Sequence[Node]) -> None:
    """Run every ``forward`` in order."""
    for node in path:
        node.forward()


def first_nan(order: Sequence[Node], backend: Backend) -> None:
    """Raise GradcheckError at the first node whose value is not finite everywhere."""
    place = first_not_finite(order, backend)
    if place is not None:
        node, index, number = place
        raise GradcheckError(
            str(node),
            f"its value{f' at {list(index)}' if index else ''} is {number}",
            "gradients are checked at finite values",
            "This is where it first appeared: look at this node's inputs",
        )


def first_not_finite(order: Sequence[Node], backend: Backend) -> tuple[Node, tuple[int, ...], float] | None:
    """The first node of a sorted list whose value holds NaN or infinity, with index and number; None if none does."""
    import numpy as np

    for node in order:
        if node.value is None:
            continue
        host = np.asarray(backend.to_numpy(node.value) if backend.owns(node.value) else node.value)
        bad = np.argwhere(~np.isfinite(host))
        if len(bad):
            index = tuple(int(n) for n in bad[0])
            return node, index, float(host[index])
    return None


def wrong(output: Node, path: Sequence[Node], found: Difference) -> GradcheckError:
    """The error for a gradient that is not the difference quotient."""
    node, places = found.node, found.places
    alone = len(path) == 1
    number = f"input {output.inbound_nodes.index(node)}, " if alone else ""
    at = ", at " + " and ".join(str(list(place)) for place in places) if places[0] else ""
    at += " together" if len(places) > 1 else ""
    return GradcheckError(
        str(output),
        f"its gradient of {number}{node}{at} is {found.got:.10g}",
        f"central differences give {found.expected:.10g}",
        f"Mend the vjp or backward of {output.kind}"
        if alone
        else "Each node alone is right: look at how their gradients are added up, or at a kink near these values",
    )


@contextmanager
def restored(order: Sequence[Node]) -> Iterator[None]:
    """Give all nodes, and those that read them, their state back at the end."""
    nodes = dict.fromkeys([*order, *(outbound for node in order for outbound in node.outbound_nodes)])
    before = {node: dict(vars(node)) for node in nodes}
    try:
        yield
    finally:
        for node, state in before.items():
            vars(node).clear()
            vars(node).update(state)
