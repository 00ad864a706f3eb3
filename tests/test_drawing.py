"""Pictures of graphs: what is in them, that they are the same each time, and that drawing runs and changes nothing."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import Input, Linear, Parameter, Program, Sigmoid, Trainer

pytest.importorskip("fast_sugiyama")


def lesson():
    """The lesson's network: its cost, and what it is fed."""
    X, y, W, b = Input("X"), Input("y"), Input("W"), Input("b")
    cost = mf.MSE(y, Sigmoid(Linear(X, W, b)))
    arrays = [[0.0, 1.0], [1.0, 1.0]], [[0.0], [1.0]], [[2.0], [-1.0]], [1.0]
    return cost, {node: np.array(array) for node, array in zip((X, y, W, b), arrays, strict=True)}


def boxes(svg):
    """{key: classes} of the boxes in a picture."""
    return {
        found.get("data-key"): found.get("class").split()
        for found in ET.fromstring(svg).iter()
        if "box" in found.get("class", "").split()
    }


def test_each_node_is_a_box_and_each_reading_an_edge():
    cost, _ = lesson()
    drawing = mf.draw(cost)
    assert boxes(drawing.svg) == {
        "x": ["box", "input"],
        "y": ["box", "input"],
        "w": ["box", "input"],
        "b": ["box", "input"],
        "linear1": ["box", "operation"],
        "sigmoid1": ["box", "operation"],
        "mse1": ["box", "cost"],
    }
    edges = re.findall(r'class="edge" data-source="(\w+)" data-target="(\w+)"', drawing.svg)
    assert sorted(edges) == sorted((edge.source, edge.target) for edge in drawing.diagram.edges)
    assert len(edges) == 6
    assert drawing.key_of(cost) == "mse1"


def test_after_a_pass_values_and_gradients_are_in_it():
    _, feed = lesson()
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    found = {box.key: box for box in mf.draw(graph).diagram.boxes}
    assert found["mse1"].value.numbers == (("0.1321",),)
    assert found["mse1"].gradient.numbers == (("1",),)
    assert found["w"].gradient.numbers == (("−0.01252",), ("0.1125",))
    assert (found["linear1"].shape, found["linear1"].dtype) == ((2, 1), "float64")


def test_a_feed_shows_what_a_pass_would_leave_and_leaves_nothing():
    cost, feed = lesson()
    fed = mf.draw(cost, feed).svg
    assert cost.value is None
    program = mf.draw(Program(cost), feed).svg
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    assert fed == program == mf.draw(graph).svg


def test_a_trainer_is_drawn_with_its_parameters():
    X, y = Input("X"), Input("y")
    trainer = Trainer(mf.MSE(y, Linear(X, Parameter(np.ones((2, 1)), "W"), Parameter(np.zeros(1), "b"))))
    kinds = {box.name: box.kind for box in mf.draw(trainer).diagram.boxes}
    assert kinds == {
        "X": "input",
        "y": "input",
        "W": "parameter",
        "b": "parameter",
        "linear1": "operation",
        "mse1": "cost",
    }


def test_shading_and_notes_are_told_by_more_than_colour():
    cost, _ = lesson()
    drawing = mf.draw(cost, shading={"linear1": 1.0, "mse1": 0.25}, notes={"linear1": "1.2 ms"})
    assert {key for key, classes in boxes(drawing.svg).items() if "shaded" in classes} == {"linear1", "mse1"}
    assert "1.2 ms" in drawing.svg
