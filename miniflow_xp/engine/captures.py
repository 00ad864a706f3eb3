"""Captures: a step recorded once for arrays of certain shapes and dtypes, and run again and again."""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.engine.frozen import Runner
from miniflow_xp.errors import NotInGraphError
from miniflow_xp.feed import admit
from miniflow_xp.node import Input, unfed
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.switch import get_backend
from miniflow_xp.system.callers import stacklevel
from miniflow_xp.system.collector import no_garbage_collection
from miniflow_xp.system.locks import lock

Make: TypeAlias = Callable[[Any], tuple[Callable[..., Sequence[Array]], Runner]]
"""``make(key) -> function(xp, *arrays)``, the pure function to capture, and what runs the graph in it."""

State: TypeAlias = Callable[[], list[Array]]

KEPT = 8  # captures of one step that are kept, for as many signatures


class CaptureCache:
    """The captures of one step, by signature: backend, and shape, dtype and device of every array.

    ``turn``: a lock for those whose runs follow one another. A copy captures anew.

    The least recently used capture goes when there are more than KEPT; when more than KEPT calls in a row bring a new
    signature, one warning says what to do.
    """

    def __init__(self, leaves: Sequence[Input], name: str) -> None:
        self.leaves = list(leaves)
        self.name = name
        self.how = "not captured yet"
        self._members = set(leaves)
        self._counters = [leaf for leaf in leaves if isinstance(leaf, Counter)]
        self._kept: OrderedDict[Hashable, tuple[Capture, Runner]] = OrderedDict()
        self.turn = lock()
        self._lock = lock()  # for the order of what is kept
        self._misses = 0
        self._warned = False

    def __reduce__(self) -> tuple[Any, ...]:
        return CaptureCache, (self.leaves, self.name)

    def prepare(
        self,
        feed: Mapping[Input, Any],
        extra: Sequence[Any],
        key: Hashable,
        make: Make,
        state: State = list,
        others: Collection[str] = (),
    ) -> tuple[Capture, list[Array]]:
        """The capture for a feed, and the arrays to call it with: those of the leaves, then ``extra``.

        ``key``: what else the function depends on. ``state``: gives the arrays that a new capture is to hold and renew.
        ``others``: float dtypes of the graph besides those of the leaves here.
        Raises NotInGraphError, UnfedError, FeedError, DtypeError, and what the checks of the nodes raise.
        """
        if not self._members.issuperset(feed):
            raise stranger(next(n for n in feed if n not in self._members))
        passes: dict[Input, Any] = {counter: counter.advance() for counter in self._counters if counter not in feed}
        feed = {**feed, **passes} if passes else feed
        try:
            backend = get_backend()
            fed = [feed[leaf] if leaf in feed else leaf.value for leaf in self.leaves]  # noqa: SIM401  get() reads value
            arrays = [*fed, *extra]
            signature = signature_of(key, backend, arrays)
            found = self._kept.get(signature)
            if found is None:
                arrays = [*self._admit(fed, backend, others), *(backend.asarray(e) for e in extra)]
                signature = signature_of(key, backend, arrays)
                found = self._kept.get(signature)
            if found is None:
                found = self._capture(signature, backend, make, state(), arrays)
            else:
                self._misses = 0
                if len(self._kept) > 1:
                    with self._lock:
                        if signature in self._kept:  # another thread may have pushed it out
                            self._kept.move_to_end(signature)
            captured, runner = found
            for guard in runner.guards:
                guard.check(backend, dict(zip(self.leaves, fed, strict=True)))
            return captured, arrays
        except BaseException:
            for counter in self._counters:
                if counter in passes:
                    counter.take_back(int(passes[counter]))  # a feed that is refused is no pass
            raise

    def _admit(self, fed: Sequence[Any], backend: Backend, others: Collection[str]) -> list[Array]:
        for leaf, value in zip(self.leaves, fed, strict=True):
            if value is None:
                raise unfed(leaf)
        return list(admit(dict(zip(self.leaves, fed, strict=True)), backend, others).values())

    def _capture(
        self, signature: tuple[Any, ...], backend: Backend, make: Make, state: list[Array], arrays: list[Array]
    ) -> tuple[Capture, Runner]:
        with no_garbage_collection():  # what a capture is made of stays
            function, runner = make(signature[0])
            captured = backend.capture(function, [*state, *arrays], len(state))
        self.how = f"on {backend.name}:{backend.device}: {captured.how}"
        with self._lock:
            self._kept[signature] = captured, runner
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._misses += 1
        if self._misses > KEPT and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.name}: shapes or dtypes keep changing, and each time the step is captured anew. Drop the last "
                "short batch, or pad the batches to one length",
                stacklevel=stacklevel(),
            )
        return captured, runner


def signature_of(key: Hashable, backend: Backend, arrays: Sequence[Any]) -> tuple[Hashable, ...]:
    """What a capture depends on."""
    place = backend.place
    forms = [(type(a), getattr(a, "shape", None), getattr(a, "dtype", None), place(a)) for a in arrays]
    return key, backend, *forms


def stranger(node: Any) -> NotInGraphError:
    """The error for a fed node that the step does not read."""
    return NotInGraphError(
        str(node), "it was fed", "the outputs do not depend on it, or it is no Input", "Take it out of the feed"
    )
