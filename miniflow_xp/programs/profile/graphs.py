"""A Program or a Trainer as something to profile: each node's rule is a call, and so is the update."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from miniflow_xp.backend import Array, Backend
from miniflow_xp.dtypes import name_of, widest
from miniflow_xp.engine.frozen import Call, Uncaptured
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.feed import admit
from miniflow_xp.node import Input, Node
from miniflow_xp.programs.profile.counts import Work, bytes_of, elements
from miniflow_xp.programs.profile.memory import holding
from miniflow_xp.programs.profile.subjects import Place, Run, Step, Subject
from miniflow_xp.switch import get_backend
from miniflow_xp.transforms.watched import WatchedArrays

Feed = Mapping[Input, Any]


def graph_subject(what: Program | Trainer, feed: Feed) -> Subject:
    """The step of a Program or a Trainer on a feed, which is brought to the device once."""
    backend = get_backend()
    with backend.activate():
        host = {node: value for node, value in feed.items() if not backend.owns(value)}
        resident = {**feed, **admit(host, backend)} if host else dict(feed)
        carried = sum(bytes_of(resident[node]) for node in host)
        step = what.uncaptured(resident)
        counting = Counting(what)
        counting.count(resident, backend)
    dtype = widest({name_of(array) for array in step.arrays if hasattr(array, "dtype")}) or backend.default_float
    return Subject(
        title=title_of(what),
        backend=backend,
        dtype=dtype,
        steps=counting.steps,
        walk=walks(what, resident, backend),
        plain=plain(step, backend),
        captured=lambda: what.step(resident) if isinstance(what, Trainer) else flat(what(resident)),
        how=what.explain(),
        replayed=getattr(step.captured, "equations", None),
        holding=holding(what.graph, counting.sizes, held_before(what, step.arrays)),
        drawn=what,
        fed=(carried, lambda: list(admit(host, backend).values())) if host else None,
    )


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


def walks(what: Program | Trainer, feed: Feed, backend: Backend) -> Callable[[Call], Run]:
    """Passes whose calls somebody else makes: one step, to which each names who does."""
    maker: list[Call] = []
    step = what.uncaptured(feed, call=lambda *call: maker[-1](*call))
    run = plain(step, backend)

    def walk(call: Call) -> Run:
        maker[:] = [call]
        return run

    return walk


def held_before(what: Program | Trainer, arrays: list[Array]) -> dict[str, float]:
    """What is held during the whole step: data that was fed, parameters, what the optimizer remembers."""
    if isinstance(what, Program):
        return {str(leaf): bytes_of(a) for leaf, a in zip(what.graph.leaves, arrays, strict=False)}
    trained = {str(p): bytes_of(p.value) for p in what.parameters}
    data = [leaf for leaf in what.graph.leaves if leaf not in set(what.parameters)]
    slots = sum(map(bytes_of, arrays[: len(arrays) - len(data)])) - sum(trained.values())
    fed = {str(leaf): bytes_of(a) for leaf, a in zip(data, arrays[len(arrays) - len(data) :], strict=True)}
    return {**trained, **({"the optimizer's state": slots} if slots > 16 else {}), **fed}


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
        self._arrived: set[Node] = set()
        self._works = [Work()]  # the last one is at work; the first takes what lies between the calls

    def count(self, feed: Feed, backend: Backend) -> None:
        """Run it."""
        step = self.what.uncaptured(feed, call=self._call)
        watched = WatchedArrays(self._make)
        arrays = [watched(array) for array in step.arrays]
        step.function(next((a.xp for a in arrays), backend.xp), *arrays)

    def _make(self, op: str, function: Callable[..., Any], inputs: Any, keywords: dict[str, Any]) -> Any:
        value = function(*inputs, **keywords)
        self._works[-1].add(op, inputs, value)
        return value

    def _call(self, node: Node | None, direction: str, function: Callable[..., Any], *arguments: Any) -> Any:
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
        return Place(node, str(node), node.kind, node.made_at or None, node)
