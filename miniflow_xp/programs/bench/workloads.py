"""What a worker runs for a case: a step to be timed, and the results that must agree with other backends'."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp import ops
from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD, sgd_update
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.feed import admit
from miniflow_xp.graph import forward_and_backward, topological_sort
from miniflow_xp.node import Input, Node
from miniflow_xp.programs.bench import functions
from miniflow_xp.programs.bench.builder import builder_error, load_builder
from miniflow_xp.programs.bench.cases import COLUMNS, ELEMENTWISE, ITEM, PRODUCTS, Case
from miniflow_xp.programs.bench.clock import wait_for
from miniflow_xp.programs.bench.networks import first_values, normal, random_batch, sigmoids
from miniflow_xp.programs.bench.peers import peer
from miniflow_xp.programs.bench.peers.problem import RATE, Problem, step_flops
from miniflow_xp.programs.network import Network

CLASSES = COLUMNS


class Workload(NamedTuple):
    """``step()`` returns what it computed, which the device may not have finished.

    It needs at least ``flops`` operations and ``bytes`` of traffic; ``upload_s`` is what bringing its data to the
    device took, once. ``afresh``: a step is meant to find nothing prepared, so none goes before it.
    """

    step: Callable[[], Any]
    flops: float | None = None
    bytes: float | None = None
    upload_s: float | None = None
    afresh: bool = False


def workload(case: Case, backend: Backend) -> Workload:
    """The workload of a case on a backend, which is in use; the same numbers on every one."""
    return BUILDERS[case.family](case, backend, np.random.default_rng(0))


def multi_layer(axes: dict[str, int], dtype: str, rng: np.random.Generator) -> tuple[Network, dict[Input, np.ndarray]]:
    """A network batch × width → width … → 1 with ``depth`` hidden layers, and its batch."""
    sizes = [axes["width"]] * (axes["depth"] + 1) + [1]
    network = sigmoids(first_values(sizes, rng, dtype))
    return network, random_batch(network, rng, axes["batch"], dtype)


def network_flops(axes: dict[str, int]) -> float:
    """Of the matrix products of a step: forward, gradients of weights, and of inputs but for the first layer."""
    batch, width, depth = axes["batch"], axes["width"], axes["depth"]
    square = 2.0 * batch * width * width
    return square * (3 * depth - 1) + 6.0 * batch * width


def step_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:
    """A captured training step on data that lies on the device, or comes from the host at every step."""
    network, feed = multi_layer(case.axes, case.dtype, random)
    return training(Trainer(network.cost, SGD(RATE)), feed, case, backend, network_flops(case.axes))


def training(
    trainer: Trainer, feed: dict[Input, Any], case: Case, backend: Backend, flops: float | None = None
) -> Workload:
    """Steps of a trainer, on data that is brought to the device once, or comes from the host at every step."""
    if case.residence != "resident":
        return Workload(lambda: trainer.step(feed), flops)
    start = perf_counter()
    resident = admit(feed, backend)
    wait_for(backend)(list(resident.values()))
    return Workload(lambda: trainer.step(resident), flops, upload_s=perf_counter() - start)


def capture_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:
    """The captured step, or the lesson's functions."""
    if case.contestant == "captured":
        return step_of(case, backend, random)
    network, feed = multi_layer(case.axes, case.dtype, random)
    graph = topological_sort({node: backend.asarray(array) for node, array in feed.items()})

    def step() -> Any:
        forward_and_backward(graph)
        sgd_update(network.parameters, learning_rate=RATE)
        return network.cost.value

    return Workload(step, network_flops(case.axes))


def peer_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:  # noqa: ARG001  as the others
    """A peer's training step; its numbers are those of the problem."""
    size = case.axes["n"], case.axes["d"], case.axes["h"]
    return Workload(peer(case.contestant, Problem.of(*size), backend), step_flops(*size))


def function_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:  # noqa: ARG001  as above
    """Value and gradient of a model, by a contestant; its numbers are the model's own."""
    model = functions.model_of(case.series.removeprefix("gradient of ").replace(" ", "_"))
    return Workload(functions.step_of(case.contestant, model, case.axes["n"], backend))


def transfer_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:
    """An array to the device, or from it."""
    host = normal(random, case.dtype, case.axes["bytes"] // ITEM)
    if case.residence == "host→device":
        return Workload(lambda: backend.asarray(host), None, float(host.nbytes))
    array = backend.asarray(host)
    return Workload(lambda: backend.to_numpy(array + 0), None, float(host.nbytes))  # + 0: libraries keep a host copy


def node_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:
    """One node as a Program; with its backward pass where the series says so."""
    name, _, direction = case.series.partition(" ")
    node, feed = one_node(name, case, random)
    backward = direction != "forward"
    floats = [n for n in feed if feed[n].dtype.kind == "f"] if backward else []
    program = Program(node, floats)
    on_device: dict[Input, Any] = {n: backend.asarray(a) for n, a in feed.items()}
    seeds: dict[Node, Any] = {}
    if backward and name not in ("MSE", "CrossEntropy"):
        value = Program(node)(on_device).values
        seeds = {node: value + 0}

    def step() -> Any:
        result = program(on_device, seeds or None)
        return [result.values, *result.gradients.values()]

    touched = sum(a.nbytes for a in feed.values()) * (2 if backward else 1)
    return Workload(step, node_flops(name, case.axes, backward), float(touched))


def one_node(name: str, case: Case, random: np.random.Generator) -> tuple[Node, dict[Input, np.ndarray]]:
    """The node and its feed."""
    kind = getattr(ops, name)
    if name in PRODUCTS:
        side = case.axes["side"]
        shapes: Sequence[tuple[int, ...]] = [(side, side), (side, side), (side,)][: 3 if name == "Linear" else 2]
    elif name in ELEMENTWISE:
        shapes = [(case.axes["elements"],)] * (2 if name in ("Add", "Sub", "Mul") else 1)
    else:
        rows = case.axes["elements"] // COLUMNS
        shapes = [(rows, COLUMNS)] * (2 if name == "MSE" else 1)
    feed = {Input(f"x{n}"): normal(random, case.dtype, *shape) for n, shape in enumerate(shapes)}
    if name == "CrossEntropy":
        labels = Input("labels", dtype=int)
        feed = {labels: random.integers(0, CLASSES, case.axes["elements"] // COLUMNS), **feed}
    return kind(*feed), feed


def node_flops(name: str, axes: dict[str, int], backward: bool) -> float:
    """Of products exactly; of the others one an element, which they need at least."""
    if name in PRODUCTS:
        return 2.0 * axes["side"] ** 3 * (3 if backward else 1)
    return float(axes["elements"]) * (2 if backward else 1)


def user_of(case: Case, backend: Backend, random: np.random.Generator) -> Workload:  # noqa: ARG001  as the others
    """A training step of the user's own graph."""
    built = load_builder(case.series)(**case.axes)
    if not isinstance(built, tuple) or len(built) not in (2, 3) or not isinstance(built[0], Node):
        raise builder_error(case.series, f"it returned a {type(built).__name__}", "Return these")
    cost, feed, optimizer = (*built, SGD(RATE))[:3]
    if case.residence == "once":
        return Workload(lambda: backend.to_numpy(Trainer(cost, optimizer).step(feed)), afresh=True)
    return training(Trainer(cost, optimizer), dict(feed), case, backend)


BUILDERS = {
    "user": user_of,
    "step": step_of,
    "capture": capture_of,
    "peers": peer_of,
    "functions": function_of,
    "memory": step_of,
    "transfer": transfer_of,
    "node": node_of,
}
