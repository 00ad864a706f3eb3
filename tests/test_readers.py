"""A Parameter outlives the graphs over it: it knows the nodes that read it and keeps none of them alive."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from tracing import traced

import miniflow_xp as mf
from miniflow_xp import MSE, Input, Linear, Mul, Node, Parameter, Sigmoid, Tanh
from miniflow_xp.layers import Dense, Dropout, Sequential

ROWS, TARGETS = np.ones((4, 3)), np.zeros((4, 2))


def parameters():
    return Parameter(np.full((3, 2), 0.1), "W"), Parameter(np.zeros(2), "b")


def network(W, b):
    x, y = Input("x"), Input("y")
    return MSE(y, Sigmoid(Linear(x, W, b))), {x: ROWS, y: TARGETS}


def lesson_pass(W, b):
    cost, feed = network(W, b)
    mf.forward_and_backward(mf.topological_sort(feed, cost))
    return cost


def live(kind):
    gc.collect()
    return sum(type(thing) is kind for thing in gc.get_objects())


def test_500_graphs_over_one_parameter_are_gone_when_dropped():
    W, b = parameters()
    before = live(MSE), live(Linear), live(Input)
    for _ in range(500):
        network(W, b)
    assert (live(MSE), live(Linear), live(Input)) == before
    assert (len(W.outbound_nodes), list(b.outbound_nodes)) == (0, [])


def test_passes_of_graphs_that_share_parameters_leave_nothing_behind():
    W, b = parameters()
    seen = [weakref.ref(lesson_pass(W, b)) for _ in range(200)]
    gc.collect()
    assert not any(reference() for reference in seen)


def test_a_model_called_again_and_again_keeps_no_graph():
    model = Sequential([Dense(3, 4, Tanh), Dropout(0.5), Dense(4, 2)], seed=0)
    seen = []
    for _ in range(50):
        x, y = Input("x"), Input("y")
        cost = MSE(y, model(x))
        mf.forward_and_backward(mf.topological_sort({x: ROWS, y: TARGETS}, cost))
        seen.append(weakref.ref(cost))
    del x, y, cost
    gc.collect()
    assert not any(reference() for reference in seen)
    assert len(model.counter.outbound_nodes) == 0


def steps_of_a_pass(graphs):
    """Lines run by a pass after so many graphs over the same Parameters: exact, unlike a clock."""
    W, b = parameters()
    for _ in range(graphs):
        lesson_pass(W, b)
    gc.collect()
    cost, feed = network(W, b)
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        return trace

    gc.disable()  # its callbacks are no part of the pass
    try:
        traced(trace, lambda: mf.forward_and_backward(mf.topological_sort(feed, cost)))
    finally:
        gc.enable()
    return count


def test_a_pass_takes_as_many_steps_after_300_graphs_as_after_3():
    steps_of_a_pass(1)  # imports, and names of dtypes, which are kept
    assert steps_of_a_pass(300) == steps_of_a_pass(3)


def shared(ask):
    """References to the graphs of 20 rounds over the same Inputs and Parameters, asked for by their output."""
    W, b = parameters()
    x, y = Input("x"), Input("y")
    seen = []
    for _ in range(20):
        cost = MSE(y, Sigmoid(Linear(x, W, b)))
        ask(cost, {x: ROWS, y: TARGETS})
        seen.append(weakref.ref(cost))
    del cost
    W.value = b.value = None  # until now the last Trainer gives them
    gc.collect()
    return [reference() for reference in seen], len(x.outbound_nodes), len(y.outbound_nodes)


@pytest.mark.parametrize(
    "ask",
    [
        lambda cost, feed: mf.forward_and_backward(mf.topological_sort(feed, cost)),
        lambda cost, feed: mf.Program(cost)(feed),
        lambda cost, feed: mf.Trainer(cost).step(feed),
    ],
    ids=["the lesson", "Program", "Trainer"],
)
def test_graphs_that_share_inputs_are_gone_once_they_were_asked_for_by_their_output(ask):
    assert shared(ask) == ([None] * 20, 0, 0)


def test_predictions_of_a_model_over_one_input_leave_nothing_behind():
    model, x = Sequential([Dense(3, 4, Tanh), Dense(4, 2)], seed=0), Input("x")
    for _ in range(20):
        mf.predict(model(x, training=False), [{x: ROWS}])
    gc.collect()
    assert (list(x.outbound_nodes), [len(p.outbound_nodes) for p in model.parameters]) == ([], [0] * 4)


# What keeps a graph


def test_the_sorted_list_alone_keeps_a_graph(backend):
    W, b = parameters()
    x, y = Input("x"), Input("y")
    graph = mf.topological_sort({x: ROWS, y: TARGETS}, MSE(y, Linear(x, W, b)))
    del x, y
    gc.collect()
    mf.forward_and_backward(graph)
    assert float(abs(mf.to_numpy(W.gradients[W])).sum()) > 0


def test_the_cost_alone_keeps_a_graph(backend):
    W, _ = parameters()
    cost = MSE(W * 1.0, Tanh(W))
    gc.collect()
    graph = mf.topological_sort({}, cost)
    mf.forward_and_backward(graph)
    assert [type(node) for node in W.outbound_nodes] == [Mul, Tanh]
    assert float(abs(mf.to_numpy(W.gradients[W])).sum()) > 0


def test_what_is_fed_keeps_a_graph_as_in_the_lesson(backend):
    W, b = parameters()
    x, y = Input("x"), Input("y")
    MSE(y, Sigmoid(Linear(x, W, b)))
    gc.collect()
    graph = mf.topological_sort({x: ROWS, y: TARGETS})
    assert [type(node) for node in graph[-3:]] == [Linear, Sigmoid, MSE]


def test_a_graph_of_which_only_a_parameter_is_held_is_gone():
    W, _ = parameters()
    node = weakref.ref(Tanh(W))
    gc.collect()
    assert node() is None
    assert W.outbound_nodes == []


# It looks like the lesson's list


class Entered(Node):
    """A learner's node, which enters itself as the lesson does."""

    def __init__(self, x):
        super().__init__([x])
        for n in self.inbound_nodes:
            n.outbound_nodes.append(self)

    def forward(self):
        self.value = self.inbound_nodes[0].value * 3

    def backward(self):
        (x,) = self.inbound_nodes
        self.gradients = {x: sum(3 * n.gradients[self] for n in self.outbound_nodes)}


def test_it_looks_like_a_list():
    W, _ = parameters()
    first, second, third = Tanh(W, name="first"), Sigmoid(W, name="second"), Mul(W, W, name="third")
    readers = W.outbound_nodes
    assert readers == [first, second, third]
    assert [first, second, third] == readers
    assert readers != [first]
    assert readers != (first, second, third)
    assert (len(readers), bool(readers), list(readers)) == (3, True, [first, second, third])
    assert (readers[0], readers[-1], readers[1:]) == (first, third, [second, third])
    assert first in readers
    assert W not in readers
    assert None not in readers
    assert readers.index(second) == 1
    assert readers.count(third) == 1
    assert list(reversed(readers)) == [third, second, first]
    assert repr(readers) == repr([first, second, third])
    readers.remove(second)
    readers.insert(0, second)
    assert readers == [second, first, third]
    readers[0], last = third, readers.pop()
    assert readers == [third, first]
    assert last is third
    del readers[0]
    readers.extend([second, second])
    assert readers == [first, second]
    readers.clear()
    assert not readers
    with pytest.raises(IndexError):
        readers[0]
    with pytest.raises(TypeError):
        hash(readers)


def test_a_learners_own_append_counts_a_reader_once(backend):
    w, y = Parameter([1.0, 2.0], "w"), Input("y")
    node = Entered(w)
    graph = mf.topological_sort({y: [0.0, 0.0]}, MSE(y, node))
    mf.forward_and_backward(graph)
    np.testing.assert_allclose(mf.to_numpy(w.gradients[w]), [9.0, 18.0])  # d/dw mean((3 w)²) of two
    assert list(w.outbound_nodes) == [node]


# Copies


def test_a_shallow_copy_has_readers_and_a_value_of_its_own(backend):
    W, b = parameters()
    x, y = Input("x"), Input("y")
    cost = MSE(y, Linear(x, W, b))
    trainer = mf.Trainer(cost, mf.SGD(0.5))
    trainer.step({x: ROWS, y: TARGETS})
    kept = copy.copy(W)
    before = mf.to_numpy(W.value).copy()
    np.testing.assert_array_equal(mf.to_numpy(kept.value), before)
    trainer.step({x: ROWS, y: TARGETS})
    np.testing.assert_array_equal(mf.to_numpy(kept.value), before)
    assert not np.array_equal(mf.to_numpy(W.value), before)
    assert (list(kept.outbound_nodes), len(W.outbound_nodes), kept.name) == ([], 1, "W")
    kept.value = np.zeros((3, 2))
    assert np.any(mf.to_numpy(W.value))


def test_a_copys_value_does_not_change_with_an_array_written_to():
    W = Parameter(np.zeros(2), "W")
    kept = copy.copy(W)
    W.value[0] = 5.0
    assert kept.value.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))], ids=["deep", "pickle"]
)
@pytest.mark.parametrize("start", ["the list", "the cost"])
def test_a_copied_graph_knows_its_own_readers_and_no_others(way, start):
    W, b = parameters()
    x, y = Input("x"), Input("y")
    cost = MSE(y, Linear(x, W, b))
    other = Tanh(W)
    graph = mf.topological_sort({x: ROWS, y: TARGETS}, cost)
    copied = way(graph) if start == "the list" else mf.topological_sort({}, way(cost))
    mf.forward_and_backward(copied)
    mf.forward_and_backward(graph)
    (twin,) = (node for node in copied if node.name == "W")
    np.testing.assert_array_equal(twin.gradients[twin], W.gradients[W])
    assert [type(node) for node in twin.outbound_nodes] == [Linear]
    assert other in W.outbound_nodes
