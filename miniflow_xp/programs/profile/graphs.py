"""A Program or a Trainer as something to profile: each node's rule is a call, and so is the update."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from miniflow_xp.backend import Array, Backend
from miniflow_xp.dtypes import name_of, widest
from miniflow_xp.engine.frozen import Call, Uncaptured
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.feed import admit
from miniflow_xp.node import Input, Node
from miniflow_xp.programs.profile.counts import Work, bytes_of, elements
from miniflow_xp.programs.profile.memory import holding, names_in, told_apart
from miniflow_xp.programs.profile.subjects import Place, Run, Step, Subject
from miniflow_xp.switch import get_backend
from miniflow_xp.transforms.watched import WatchedArrays

Feed = Mapping[Input, Any]
CLOCKS = 16  # bytes of a learning rate and of a step's number, which every state has


def graph_subject(what: Program | Trainer, feed: Feed, seeds: Mapping[Node, Any] | None = None) -> Subject:
    """The step of a Program or a Trainer on a feed, which is brought to the device once."""
    backend = get_backend()
    make = partial(what.uncaptured, seeds=seeds) if isinstance(what, Program) else what.uncaptured
    first = make(feed)
    resident = {leaf: array for leaf, array in data_in(what, first.arrays).items() if leaf in feed}
    host = {leaf: feed[leaf] for leaf in resident if not backend.owns(feed[leaf])}
    with backend.activate():
        step = make(resident)
        counting = Counting(what)
        counting.count(make(resident, call=counting.call), backend)
    dtype = widest({name_of(array) for array in step.arrays if hasattr(array, "dtype")}) or backend.default_float
    carried = sum(bytes_of(resident[leaf]) for leaf in host)
    return Subject(
        title=title_of(what),
        backend=backend,
        dtype=dtype,
        steps=counting.steps,
        walk=walks(partial(make, resident), backend),
        plain=plain(step, backend),
        captured=lambda: what.step(resident) if isinstance(what, Trainer) else flat(what(resident, seeds)),
        how=what.explain(),
        replayed=step.captured.equations,
        holding=holding(what.graph, counting.sizes, held_before(what, step.arrays)),
        drawn=what,
        fed=(carried, lambda: list(admit(host, backend).values())) if host else None,
    )


def data_in(what: Program | Trainer, arrays: list[Array]) -> dict[Input, Array]:
    """{leaf: its array} of those that a step is given, besides the state of a Trainer."""
    if isinstance(what, Program):
        return dict(zip(what.graph.leaves, arrays, strict=False))
    held = set(what.parameters)
    leaves = [leaf for leaf in what.graph.leaves if leaf not in held]
    return dict(zip(leaves, arrays[len(arrays) - len(leaves) :], strict=True))


def title_of(what: Program | Trainer) -> str:
    """What is profiled, in words."""
    last = what.cost if isinstance(what, Trainer) else what.graph.outputs[-1]
    return f"{'a step of the Trainer' if isinstance(what, Trainer) else 'the Program'} of {last}"


def flat(result: Any) -> list[Array]:
    """The arrays that a Program returned."""
    values = result.values if isinstance(result.values, list) else [result.values]
    return [*values, *result.gradients.values()]


def plain(step: Uncaptured, backend: Backend) -> Run:
    """The step by the plain loop, which moves nothing."""

    def run() -> list[Array]:
        with backend.activate():
            return step.function(backend.xp, *step.arrays)

    return run


def walks(make: Callable[..., Uncaptured], backend: Backend) -> Callable[[Call], Run]:
    """Passes whose calls somebody else makes: one step, to which each names who does."""
    maker: list[Call] = []
    run = plain(make(call=lambda *call: maker[-1](*call)), backend)

    def walk(call: Call) -> Run:
        maker[:] = [call]
        return run

    return walk


def held_before(what: Program | Trainer, arrays: list[Array]) -> dict[str, float]:
    """What is held during the whole step: data that was fed, parameters, what the optimizer remembers."""
    trainable = [] if isinstance(what, Program) else what.parameters
    names = told_apart(dict.fromkeys([*what.graph.leaves, *trainable]))
    data = {names[leaf]: bytes_of(array) for leaf, array in data_in(what, arrays).items()}
    if isinstance(what, Program):
        return data
    trained = {names[p]: bytes_of(p.value) for p in trainable}
    slots = sum(map(bytes_of, arrays[: len(arrays) - len(data)])) - sum(trained.values())
    return {**trained, **({"the optimizer's state": slots} if slots > CLOCKS else {}), **data}


def sum_of(gradient: Array) -> Work:
    """The work of adding two gradients up."""
    size = bytes_of(gradient)
    return Work(float(elements(gradient)), 3 * size, size, calls=Counter(add=1))


class Counting:
    """One pass over watched arrays: the steps in order, what each does, and the sizes of values and gradients."""

    def __init__(self, what: Program | Trainer) -> None:
        self.what = what
        self.steps: list[Step] = []
        self.sizes: dict[tuple[Node, Node | None], float] = {}
        self._names = names_in(what.graph)
        self._arrived: set[Node] = set()
        self._works = [Work()]  # the last one is at work; the first takes what lies between the calls

    def count(self, step: Uncaptured, backend: Backend) -> None:
        """Run a step whose calls are this one's ``call``."""
        watched = WatchedArrays(self._make)
        arrays = [watched(array) for array in step.arrays]
        step.function(next((a.xp for a in arrays), backend.xp), *arrays)

    def _make(self, op: str, function: Callable[..., Any], inputs: Any, keywords: dict[str, Any]) -> Any:
        value = function(*inputs, **keywords)
        self._works[-1].add(op, inputs, value)
        return value

    def call(self, node: Node | None, direction: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Make a call, and note what it does."""
        step = Step(self._place(node), direction)
        self.steps.append(step)
        self._works.append(step.work)
        result = function(*arguments)
        self._works.pop()
        if node is not None and direction == "forward":
            self.sizes[node, None] = bytes_of(result) if step.work.fresh else 0.0
        if node is not None and direction == "backward":
            self._handed_on(step, node, result)
        return result

    def _handed_on(self, step: Step, node: Node, gradients: Mapping[Node, Array]) -> None:
        for inbound, gradient in gradients.items():
            if inbound not in self.what.graph.depends:
                continue
            self.sizes[node, inbound] = bytes_of(gradient) if step.work.fresh else 0.0
            if inbound in self._arrived:
                step.sums.append((self._place(inbound), sum_of(gradient)))
            self._arrived.add(inbound)

    def _place(self, node: Node | None) -> Place:
        if node is None:
            assert isinstance(self.what, Trainer)
            name = type(self.what.optimizer).__name__
            return Place("update", "the update", name)
        return Place(node, self._names[node], node.kind, node.made_at or None, node)
