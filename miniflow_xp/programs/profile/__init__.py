"""profile: where the time and the memory of a step go, node by node, or line by line of a function."""

from collections.abc import Callable, Sequence
from typing import Any

from miniflow_xp import checks
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import SettingError
from miniflow_xp.feed import checked_feed
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Input, Node
from miniflow_xp.nodes.wiring import check_sorted, default_targets, depending
from miniflow_xp.programs.bench.record import Ceiling
from miniflow_xp.programs.profile.functions import function_subject
from miniflow_xp.programs.profile.graphs import graph_subject
from miniflow_xp.programs.profile.measuring import measure
from miniflow_xp.programs.profile.result import Profile

__all__ = ["Profile", "profile"]

ROUNDS = 25
BUDGET_S = 3.0


def profile(
    what: Program | Trainer | Node | Sequence[Node] | Callable[..., Any],
    *given: Any,
    rounds: int = ROUNDS,
    budget: float = BUDGET_S,
    ceilings: Ceiling | bool = False,
    backward: bool = True,
) -> Profile:
    """Where the time of a step goes: each node's part, or each line's, forward and backward; and who holds the memory.

    ``profile(program, feed)`` of a Program, also with its ``seeds``, of a Trainer, which is left as it was, of a node
    or a sorted graph; ``profile(f, *args)`` of a function of arrays, with its gradients where ``backward``. So many
    ``rounds`` are interleaved, or as many as fit into ``budget`` seconds, but the first three in any case.
    ``ceilings``: the machine's peaks, or True to measure them, which takes one or two seconds. Raises GraphError where
    the calls change from pass to pass.
    """
    rounds = checks.whole(rounds, "profile, rounds", 1)
    budget, backward = checks.not_negative(budget, "profile, budget"), checks.truth(backward, "profile, backward")
    if not isinstance(ceilings, Ceiling):
        ceilings = checks.truth(ceilings, "profile, ceilings")
    if isinstance(what, Program | Trainer | Node | list | tuple):
        feed, seeds = fed(given)
        program = what if isinstance(what, Program | Trainer) else program_of(what)
        state = program.snapshot() if isinstance(program, Trainer) else None
        try:
            return measure(graph_subject(program, feed, seeds), rounds, budget, ceilings)
        finally:
            if isinstance(program, Trainer) and state is not None:
                program.restore(state)
    rule = "it takes a graph, or a function of arrays"
    function: Any = checks.function(what, "profile", rule, "Write profile(f, x)")
    return measure(function_subject(function, given, backward), rounds, budget, ceilings)


def fed(given: Sequence[Any]) -> tuple[Any, Any]:
    """What a graph is fed, and the gradients that its outputs start from."""
    feed, seeds, *more = [*given, None, None][: max(2, len(given))]
    if more:
        rule, remedy = "a graph is given a feed, and perhaps seeds", "Write profile(program, feed)"
        raise SettingError("profile", f"it was given {len(given)} feeds", rule, remedy)
    return checked_feed(feed, "profile"), checked_feed(seeds, "profile, seeds")


def program_of(what: Node | Sequence[Node]) -> Program:
    """A node, or a sorted graph, with the gradients that ``forward_and_backward`` would give."""
    output = what if isinstance(what, Node) else check_sorted(what, "profile")[-1]
    order = ancestors([output])
    leaves = [node for node in order if isinstance(node, Input)]
    reached = depending(order, default_targets(leaves))
    return Program(output, [leaf for leaf in default_targets(leaves) if leaf in reached and output in reached])
