"""Every argument of the public API, given things that it does not take: an error of ours, on every backend.

DOORS has a row for each argument: a call with this argument left open, and the names of those WRONG values that the
call takes, or that are another's to judge. All others must end in a MiniflowError, which says where, what and why.
"""

from functools import cache

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import checkpoints as checkpoint
from miniflow_xp import data, errors, metrics, schedules
from miniflow_xp.data import idx, npy
from miniflow_xp.training.prefetch import prefetched

WRONG = {
    "None": None,
    "truth": True,
    "0": 0,
    "3": 3,
    "-1": -1,
    "0.5": 0.5,
    "nan": float("nan"),
    "1e400": 10**400,
    "complex": 1j,
    "text": "no such thing",
    "NUL": "a\0b",
    "bytes": b"abc",
    "empty list": [],
    "list of numbers": [1, 2],
    "list of texts": ["numpy"],
    "tuple": (1, "a"),
    "mapping": {"a": 1},
    "range": range(8),
    "array": np.ones(3),
    "texts": np.array(["a", "b"]),
    "matrix": np.eye(2).view(np.matrix),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "object": object(),
    "class": mf.Adam,
    "function": lambda: None,
    "iterator": iter([]),
    "node": mf.Input("stranger"),
    "layer": mf.Dense(3, 2),
}
NUMBERS = ("0", "3", "-1", "0.5", "nan", "1e400")
ARRAYS = ("array", "list of numbers", "range")
NODES = ("array", "node")
CALLED = ("function", "class")  # what they raise, or give, is a user's own
WHOLE = ("truth", "0", "3", "-1", "list of numbers", "mapping", "texts")  # what is in them, the function is to say
TREES = ("None", "0.5", "nan", "array", "empty list")
OF_ONE = ("grad", "value_and_grad", "hessian", "jacobian")
PLACES = ("0", "-1")


def SUM(x):  # noqa: N802  as the others
    """A function of an array, or of what else takes a sum."""
    return (x * 1.0).sum()


LISTS = ("array", "list of numbers", "list of texts", "tuple", "range", "texts", "empty list", "matrix", "masked")


class Things:
    """A small network, whole and right, in which one thing is replaced by a wrong one."""

    def __init__(self, folder):
        self.folder = folder
        self.x, self.y = mf.Input("x"), mf.Input("y")
        self.W = mf.Parameter(np.ones((3, 1)), "W")
        self.output = self.x @ self.W
        self.cost = mf.MSE(self.y, self.output)
        self.feed = {self.x: np.ones((4, 3)), self.y: np.ones((4, 1))}
        self.batches = mf.Batches(self.feed[self.x], self.feed[self.y], batch_size=2)
        self.rows = np.ones((4, 3))

    @property
    def trainer(self):
        return mf.Trainer(self.cost)

    @property
    def graph(self):
        return mf.topological_sort(self.feed, self.cost)

    def fit(self, **changed):
        given = {"trainer": self.trainer, "inputs": [self.x, self.y], "batches": self.batches, "epochs": 1, **changed}
        return mf.fit(**given)

    def validation(self, **changed):
        given = {"feeds": [self.feed], "output": self.output, "target": self.y, "metrics": {"m": metrics.r_squared}}
        return mf.Validation(**{**given, **changed})

    def table(self, text="a,b\n1,2\n3,4\n5,7\n6,9\n"):
        path = self.folder / "table.csv"
        path.write_text(text)
        return path


def rows_of(function):
    """All that a function of rows gives."""
    return list(mf.Batches(function).epoch(0))


OPTIONAL = ("None",)


@cache
def profile_on(backend):
    return mf.profile(SUM, np.ones(3), rounds=1)


DOORS = {
    # nodes
    "Add": (lambda t, v: mf.Add(t.x, v), (*NUMBERS[:5], "array", "node")),
    "operator +": (lambda t, v: t.x + v, (*NUMBERS[:5], "array", "node")),
    "operator @": (lambda t, v: t.x @ v, ("array", "node")),
    "Sub": (lambda t, v: mf.Sub(v, t.x), (*NUMBERS[:5], "array", "node")),
    "Mul": (lambda t, v: mf.Mul(v, t.x), (*NUMBERS[:5], "array", "node")),
    "Neg": (lambda t, v: mf.Neg(v), ("node",)),
    "ReLU": (lambda t, v: mf.ReLU(v), ("node",)),
    "Sigmoid": (lambda t, v: mf.Sigmoid(v), ("node",)),
    "Tanh": (lambda t, v: mf.Tanh(v), ("node",)),
    "Softmax": (lambda t, v: mf.Softmax(v), ("node",)),
    "Softmax, axis": (lambda t, v: mf.Softmax(t.x, v), ("0", "3", "-1")),
    "LogSoftmax, axis": (lambda t, v: mf.LogSoftmax(t.x, v), ("0", "3", "-1")),
    "Standardise": (lambda t, v: mf.Standardise(v), ("node",)),
    "Standardise, epsilon": (lambda t, v: mf.Standardise(t.x, v), ("0", "3", "0.5")),
    "Linear, X": (lambda t, v: mf.Linear(v, t.W, t.W), (*NUMBERS[:5], "array", "node")),
    "Linear, b": (lambda t, v: mf.Linear(t.x, t.W, v), (*NUMBERS[:5], "array", "node")),
    "MatMul": (lambda t, v: mf.MatMul(t.x, v), ("array", "node")),
    "MSE": (lambda t, v: mf.MSE(v, t.x), ("array", "node")),
    "MSE, reduction": (lambda t, v: mf.MSE(t.y, t.x, reduction=v), ()),
    "CrossEntropy": (lambda t, v: mf.CrossEntropy(v, t.x), ("array", "node")),
    "CrossEntropy, reduction": (lambda t, v: mf.CrossEntropy(t.y, t.x, reduction=v), ()),
    "CrossEntropy, sample_weights": (lambda t, v: mf.CrossEntropy(t.y, t.x, sample_weights=v), (*NODES, "None")),
    "CrossEntropy, class_weights": (
        lambda t, v: mf.CrossEntropy(t.y, t.x, class_weights=v),
        ("None", "empty list", "list of numbers", "range", "array", "iterator"),
    ),
    "CrossEntropy, ignored": (lambda t, v: mf.CrossEntropy(t.y, t.x, ignored=v), ("None", "0", "3", "-1")),
    "CrossEntropy, label_smoothing": (lambda t, v: mf.CrossEntropy(t.y, t.x, label_smoothing=v), ("0", "0.5")),
    "MAE": (lambda t, v: mf.MAE(v, t.x), NODES),
    "Huber, delta": (lambda t, v: mf.Huber(t.y, t.x, delta=v), ("3", "0.5")),
    "BinaryCrossEntropy": (lambda t, v: mf.BinaryCrossEntropy(v, t.x), NODES),
    "KLDivergence": (lambda t, v: mf.KLDivergence(v, t.x), NODES),
    "Loss": (lambda t, v: mf.Loss(v, t.x), NODES),
    "as_loss": (lambda t, v: mf.as_loss(v), ("class", "function", "layer")),
    "Node": (lambda t, v: mf.Node(v), ("None", "empty list", "truth", "0")),
    "Node, inbound": (lambda t, v: mf.Node([v]), ("node",)),
    "as_node": (lambda t, v: mf.as_node(v), ("class", "function", "layer")),
    "Input, dtype": (lambda t, v: mf.Input(dtype=v), OPTIONAL),
    "Parameter, dtype": (lambda t, v: mf.Parameter(1.0, dtype=v), OPTIONAL),
    "Parameter": (lambda t, v: mf.Program(mf.Parameter(v) * 1)(), (*NUMBERS[:5], "truth", *ARRAYS)),
    # the lesson
    "topological_sort": (lambda t, v: mf.topological_sort(v, t.cost), ()),
    "topological_sort, data": (lambda t, v: mf.topological_sort({t.x: v}, t.x), (*NUMBERS[:5], "truth", *ARRAYS)),
    "topological_sort, output": (lambda t, v: mf.topological_sort(t.feed, v), OPTIONAL),
    "forward_pass, output": (lambda t, v: mf.forward_pass(v, t.graph), ()),
    "forward_pass, graph": (lambda t, v: mf.forward_pass(t.cost, v), OPTIONAL),
    "forward_pass": (lambda t, v: mf.forward_pass(v), ()),
    "forward_and_backward": (lambda t, v: mf.forward_and_backward(v), ()),
    "forward_and_backward, wrt": (lambda t, v: mf.forward_and_backward(t.graph, v), ("None", "empty list", "iterator")),
    "forward_and_backward, wrt of": (lambda t, v: mf.forward_and_backward(t.graph, [v]), ()),
    "sgd_update": (lambda t, v: mf.sgd_update(v), ("empty list", "iterator")),
    "sgd_update, of": (lambda t, v: mf.sgd_update([v]), ()),
    "sgd_update, learning_rate": (lambda t, v: mf.sgd_update([], v), ("0", "3", "-1", "0.5")),
    "gradcheck": (lambda t, v: mf.gradcheck(v), ()),
    "gradcheck, feed": (lambda t, v: mf.gradcheck(t.cost, v), ()),
    "gradcheck, wrt": (lambda t, v: mf.gradcheck(t.cost, t.feed, v), ("None", "empty list", "iterator")),
    "gradcheck, rtol": (lambda t, v: mf.gradcheck(t.cost, t.feed, rtol=v), ("0", "3", "0.5")),
    "gradcheck, atol": (lambda t, v: mf.gradcheck(t.cost, t.feed, atol=v), ("0", "3", "0.5")),
    "gradcheck, elements": (lambda t, v: mf.gradcheck(t.cost, t.feed, elements=v), ("None", "3")),
    "gradcheck, symmetric": (lambda t, v: mf.gradcheck(t.cost, t.feed, symmetric=v), ("empty list", "iterator")),
    "gradcheck, seed": (lambda t, v: mf.gradcheck(t.cost, t.feed, seed=v), ("0", "3")),
    # backends
    "set_backend": (lambda t, v: mf.set_backend(v), ()),
    "use_backend": (lambda t, v: mf.use_backend(v).__enter__(), ()),
    "use_backend, compile": (lambda t, v: mf.use_backend("numpy", compile=v).__enter__(), ()),
    "Trainer.to": (lambda t, v: t.trainer.to(v), ()),
    # programs and training
    "find_nonfinite": (lambda t, v: mf.find_nonfinite(v), ("class", "function", "layer")),
    "find_nonfinite, feed": (lambda t, v: mf.find_nonfinite(t.cost, v), ()),
    "draw": (lambda t, v: mf.draw(v), ("node", "layer")),
    "draw, feed": (lambda t, v: mf.draw(t.cost, v), ("None",)),
    "draw, two feeds": (lambda t, v: mf.draw(t.cost, t.feed, v), ()),
    "draw, title": (lambda t, v: mf.draw(t.cost, title=v), ("None", "text", "NUL")),
    "draw, fold": (lambda t, v: mf.draw(t.cost, fold=v), ("None", "truth", "0")),
    "draw, shading": (lambda t, v: mf.draw(t.cost, shading=v), ("None",)),
    "draw, notes": (lambda t, v: mf.draw(t.cost, notes=v), ("None",)),
    "draw, a note": (lambda t, v: mf.draw(t.cost, notes={mf.draw(t.cost).key_of(t.cost): v}), ("text", "NUL")),
    "Drawing.save": (lambda t, v: mf.draw(t.cost).save(v), ()),
    "steps": (lambda t, v: mf.steps(v), ()),
    "steps, feed": (lambda t, v: mf.steps(t.cost, v), ()),
    "steps, wrt": (lambda t, v: mf.steps(t.cost, t.feed, v), ("None", "empty list", "iterator")),
    "steps, check": (lambda t, v: mf.steps(t.cost, t.feed, check=v), ("truth", "0")),
    "steps, save": (lambda t, v: mf.steps(t.cost, t.feed).save(v), ()),
    "profile": (lambda t, v: mf.profile(v, rounds=1), ()),
    "profile, feed": (lambda t, v: mf.profile(mf.Program(t.cost), v, rounds=1), ()),
    "profile, seeds": (lambda t, v: mf.profile(mf.Program(t.cost, t.W), t.feed, v, rounds=1), OPTIONAL),
    "profile, two feeds": (lambda t, v: mf.profile(mf.Program(t.cost), t.feed, {}, v), ()),
    "profile, x": (lambda t, v: mf.profile(SUM, v, rounds=1), ("0.5", "nan", "array", "texts")),
    "profile, rounds": (lambda t, v: mf.profile(SUM, np.ones(3), rounds=v), ("3",)),
    "profile, budget": (lambda t, v: mf.profile(SUM, np.ones(3), rounds=1, budget=v), ("0", "3", "0.5")),
    "profile, ceilings": (lambda t, v: mf.profile(SUM, np.ones(3), rounds=1, ceilings=v), ("truth", "0")),
    "profile, backward": (lambda t, v: mf.profile(SUM, np.ones(3), rounds=1, backward=v), ("truth", "0")),
    "Profile.save": (lambda t, v: profile_on(mf.get_backend()).save(v), ()),
    "Program": (lambda t, v: mf.Program(v), ("node",)),
    "Program, wrt": (lambda t, v: mf.Program(t.cost, v), ("empty list", "iterator")),
    "Program, feed": (lambda t, v: mf.Program(t.cost)(v), ()),
    "Program, data": (lambda t, v: mf.Program(t.x)({t.x: v}), (*NUMBERS[:5], "truth", *ARRAYS)),
    "Program, key": (lambda t, v: mf.Program(t.cost)({**t.feed, hashable(v): 1.0}), ()),
    "Program, seeds": (lambda t, v: mf.Program(t.cost, t.W)(t.feed, v), OPTIONAL),
    "Program, seed": (lambda t, v: mf.Program(t.cost, t.W)(t.feed, {t.cost: v}), (*NUMBERS[:5], "truth")),
    "Trainer": (lambda t, v: mf.Trainer(v), ()),
    "Trainer, optimizer": (lambda t, v: mf.Trainer(t.cost, v), OPTIONAL),
    "Trainer, parameters": (lambda t, v: mf.Trainer(t.cost, None, v), OPTIONAL),
    "Trainer, parameters of": (lambda t, v: mf.Trainer(t.cost, None, [v]), ()),
    "Trainer.step": (lambda t, v: t.trainer.step(v), ()),
    "Trainer.step, data": (lambda t, v: t.trainer.step({**t.feed, t.x: v}), ()),
    "Trainer.additive": (lambda t, v: t.trainer.additive(v), ()),
    "Trainer.apply": (lambda t, v: t.trainer.apply(v), ()),
    "Trainer.schedule": (lambda t, v: setattr(t.trainer, "schedule", v), ()),
    "Trainer.learning_rate": (lambda t, v: setattr(t.trainer, "learning_rate", v), ("0", "3", "0.5")),
    "prefetched, depth": (lambda t, v: prefetched([], v), ("3",)),
    "prefetched": (
        lambda t, v: prefetched(v),
        (*LISTS, "iterator"),
    ),
    # optimizers
    "SGD": (lambda t, v: mf.SGD(v), ("3", "0.5")),
    "SGD, momentum": (lambda t, v: mf.SGD(momentum=v), ("0", "0.5")),
    "SGD, nesterov": (lambda t, v: mf.SGD(momentum=0.9, nesterov=v), ("truth", "0")),
    "SGD, weight_decay": (lambda t, v: mf.SGD(weight_decay=v), ("0", "3", "0.5")),
    "RMSProp": (lambda t, v: mf.RMSProp(v), ("3", "0.5")),
    "RMSProp, alpha": (lambda t, v: mf.RMSProp(alpha=v), ("0", "0.5")),
    "RMSProp, epsilon": (lambda t, v: mf.RMSProp(epsilon=v), ("3", "0.5")),
    "Adam": (lambda t, v: mf.Adam(v), ("3", "0.5")),
    "Adam, betas": (lambda t, v: mf.Adam(betas=v), ()),
    "Adam, a beta": (lambda t, v: mf.Adam(betas=(0.9, v)), ("0", "0.5")),
    "Adam, epsilon": (lambda t, v: mf.Adam(epsilon=v), ("3", "0.5")),
    "AdamW, weight_decay": (lambda t, v: mf.AdamW(weight_decay=v), ("0", "3", "0.5")),
    "clipped": (lambda t, v: mf.SGD().clipped(v), ("3", "0.5")),
    # layers
    "Dense, inputs": (lambda t, v: mf.Dense(v, 3), ("3",)),
    "Dense, units": (lambda t, v: mf.Dense(3, v), ("3",)),
    "Dense, activation": (lambda t, v: mf.Dense(3, 1, v)(t.x), ("None", "function", "layer")),
    "Dense, initialiser": (lambda t, v: mf.Dense(3, 1, initialiser=v)(t.x), ("None", "function", "class", "layer")),
    "Dense, use_bias": (lambda t, v: mf.Dense(3, 1, use_bias=v), ("truth", "0")),
    "Dense, name": (lambda t, v: mf.Dense(3, 1, name=v), ("None", "text", "NUL")),
    "Dense, seed": (lambda t, v: mf.Dense(3, 1, seed=v), ("None", "0", "3")),
    "Dense, dtype": (lambda t, v: mf.Dense(3, 1, dtype=v), ("None",)),
    "Dropout": (lambda t, v: mf.Dropout(v), ("0", "0.5")),
    "Dropout, seed": (lambda t, v: mf.Dropout(0.5, seed=v), ("None", "0", "3")),
    "LayerNorm": (lambda t, v: mf.LayerNorm(v), ("None", "3")),
    "LayerNorm, epsilon": (lambda t, v: mf.LayerNorm(3, epsilon=v), ("0", "3", "0.5")),
    "Layer, children": (lambda t, v: mf.Layer(children=v), ("empty list", "iterator")),
    "Sequential": (lambda t, v: mf.Sequential(v), ()),
    "Sequential, of": (lambda t, v: mf.Sequential([v])(t.x), ("layer", "function")),
    "Conv1D, inputs": (lambda t, v: mf.Conv1D(v, 3, 2), ("3",)),
    "Conv1D, size": (lambda t, v: mf.Conv1D(3, 3, v), ("3",)),
    "Conv2D, size": (lambda t, v: mf.Conv2D(3, 3, v), ("3", "list of numbers")),
    "Conv2D, stride": (lambda t, v: mf.Conv2D(3, 3, 2, stride=v), ("3", "list of numbers")),
    "Conv2D, padding": (lambda t, v: mf.Conv2D(3, 3, 2, padding=v), ("0", "3", "list of numbers")),
    "Conv2D, dilation": (lambda t, v: mf.Conv2D(3, 3, 2, dilation=v), ("3", "list of numbers")),
    "Conv2D, activation": (lambda t, v: mf.Conv2D(3, 3, 2, v)(t.x), ("None", "function", "layer")),
    "MaxPool": (lambda t, v: mf.MaxPool(v), ("3", "list of numbers")),
    "MaxPool, stride": (lambda t, v: mf.MaxPool(2, v), ("None", "3")),
    "MeanPool, padding": (lambda t, v: mf.MeanPool(2, padding=v), ("0", "3")),
    "Flatten on": (lambda t, v: mf.Flatten()(v), ("node",)),
    "Embedding": (lambda t, v: mf.Embedding(v, 3), ("3",)),
    "Embedding, units": (lambda t, v: mf.Embedding(3, v), ("3",)),
    "Embedding, initialiser": (lambda t, v: mf.Embedding(3, 1, initialiser=v), ("function", "class", "layer")),
    "MultiHeadAttention": (lambda t, v: mf.MultiHeadAttention(v, 1), ("3",)),
    "MultiHeadAttention, heads": (lambda t, v: mf.MultiHeadAttention(3, v), ("3",)),
    "MultiHeadAttention, causal": (lambda t, v: mf.MultiHeadAttention(3, 1, causal=v), ("truth", "0")),
    "MultiHeadAttention, mask": (lambda t, v: mf.MultiHeadAttention(3, 1)(t.x, mask=v), (*NODES, "None")),
    "MultiHeadAttention, context": (lambda t, v: mf.MultiHeadAttention(3, 1)(t.x, context=v), ("node", "None")),
    "BatchNorm": (lambda t, v: mf.BatchNorm(v), ("3",)),
    "BatchNorm, momentum": (lambda t, v: mf.BatchNorm(3, momentum=v), ("0.5",)),
    "BatchNorm, epsilon": (lambda t, v: mf.BatchNorm(3, epsilon=v), ("0", "3", "0.5")),
    "Sequential, seed": (lambda t, v: mf.Sequential([mf.Dense(3, 1)], seed=v), ("None", "0", "3")),
    "Sequential, dtype": (lambda t, v: mf.Sequential([mf.Dense(3, 1)], dtype=v), ("None",)),
    "a layer on": (lambda t, v: mf.Dense(3, 1)(v), ("node",)),
    "Dropout on": (lambda t, v: mf.Dropout(0.5)(v), ("node",)),
    # batches
    "Batches, X": (lambda t, v: mf.Batches(v), (*LISTS[:-3], "function", "class", "layer")),
    "Batches, rows of a function": (
        lambda t, v: list(mf.Batches(lambda: v).epoch(0)),
        ("range", *ARRAYS, "empty list", "iterator"),
    ),
    "Batches, a row of a function": (
        lambda t, v: list(mf.Batches(lambda: [v, v]).epoch(0)),
        (*NUMBERS[:5], "truth", *ARRAYS),
    ),
    "Batches, y": (lambda t, v: mf.Batches(t.rows[:3], v), ("None", "array")),
    "Batches, batch_size": (lambda t, v: mf.Batches(t.rows, batch_size=v), ("3",)),
    "Batches, seed": (lambda t, v: mf.Batches(t.rows, seed=v), ("0", "3")),
    "Batches, shuffle": (lambda t, v: mf.Batches(t.rows, shuffle=v), ("truth", "0")),
    "Batches, drop_last": (lambda t, v: mf.Batches(t.rows, batch_size=2, drop_last=v), ("truth", "0")),
    "Batches, window": (lambda t, v: mf.Batches(t.rows, window=v), ("None", "3")),
    "Batches.epoch": (lambda t, v: t.batches.epoch(v), ("0", "3")),
    "Batches.epoch, start": (lambda t, v: t.batches.epoch(0, v), ("0",)),
    # fit, evaluate, predict
    "fit, trainer": (lambda t, v: t.fit(trainer=v), ()),
    "fit, inputs": (lambda t, v: t.fit(inputs=v), ()),
    "fit, an input": (lambda t, v: t.fit(inputs=[t.x, v]), ()),
    "fit, batches": (lambda t, v: t.fit(batches=v), ()),
    "fit, epochs": (lambda t, v: t.fit(epochs=v), ("3",)),
    "fit, validation": (lambda t, v: t.fit(validation=v), ("None",)),
    "fit, schedule": (lambda t, v: t.fit(schedule=v), ("None", "function")),
    "fit, what a schedule gives": (lambda t, v: t.fit(schedule=lambda _: v), ("0", "3", "0.5")),
    "fit, patience": (lambda t, v: t.fit(patience=v), ("None", "3")),
    "fit, callbacks": (lambda t, v: t.fit(callbacks=v), ("empty list", "iterator")),
    "fit, a callback": (lambda t, v: t.fit(callbacks=[v]), ("function",)),
    "fit, checkpoints": (lambda t, v: t.fit(checkpoints=v), ("None", "text")),
    "fit, checkpoint_every": (lambda t, v: t.fit(checkpoints=t.folder / "run", checkpoint_every=v), ("None", "3")),
    "fit, resume": (lambda t, v: t.fit(checkpoints=t.folder / "run", resume=v), ("truth", "0")),
    "fit, progress": (lambda t, v: t.fit(progress=v), ("None", "truth")),
    "Validation, feeds": (lambda t, v: mf.evaluate(t.cost, t.validation(feeds=v)), ()),
    "Validation, a feed": (lambda t, v: mf.evaluate(t.cost, t.validation(feeds=[v])), ()),
    "Validation, output": (lambda t, v: mf.evaluate(t.cost, t.validation(output=v)), ()),
    "Validation, target": (lambda t, v: mf.evaluate(t.cost, t.validation(target=v)), ()),
    "Validation, metrics": (lambda t, v: mf.evaluate(t.cost, t.validation(metrics=v)), ()),
    "Validation, a metric": (lambda t, v: mf.evaluate(t.cost, t.validation(metrics={"m": v})), ("function",)),
    "Validation, what a metric gives": (
        lambda t, v: mf.evaluate(t.cost, t.validation(metrics={"m": lambda p, y: v})),
        ("truth", *NUMBERS[:5]),
    ),
    "Validation, cost": (lambda t, v: mf.evaluate(t.cost, t.validation(cost=v)), ("None",)),
    "evaluate, cost": (lambda t, v: mf.evaluate(v, t.validation()), ()),
    "evaluate": (lambda t, v: mf.evaluate(t.cost, v), ()),
    "predict, output": (lambda t, v: mf.predict(v, [t.feed]), ()),
    "predict, feeds": (lambda t, v: mf.predict(t.output, v), ()),
    "predict, a feed": (lambda t, v: mf.predict(t.output, [v]), ()),
    # schedules and metrics
    "cosine": (lambda t, v: schedules.cosine(v), ("3",)),
    "cosine, warm_up": (lambda t, v: schedules.cosine(5, v), ("0", "3")),
    "cosine, floor": (lambda t, v: schedules.cosine(5, 1, v), ("0", "3", "-1", "0.5")),
    "decay": (lambda t, v: schedules.decay(v), ("3",)),
    "decay, factor": (lambda t, v: schedules.decay(5, v), ("3", "0.5")),
    "accuracy": (lambda t, v: metrics.accuracy(v, [0, 1]), ()),
    "accuracy, targets": (lambda t, v: metrics.accuracy(np.ones((3, 2)), v), ("array",)),
    "r_squared": (lambda t, v: metrics.r_squared(v, [1.0, 2.0, 3.0]), ("array",)),
    "r_squared, targets": (lambda t, v: metrics.r_squared([1.0, 2.0, 3.0], v), ("array",)),
    # transformations
    **{f"{name}": (lambda t, v, name=name: getattr(mf, name)(v)(np.ones(3)), CALLED) for name in OF_ONE},
    **{f"{name}, x": (lambda t, v, name=name: getattr(mf, name)(SUM)(v), TREES) for name in OF_ONE},
    **{f"{name}, argnums": (lambda t, v, name=name: getattr(mf, name)(SUM, v)(np.ones(3)), PLACES) for name in OF_ONE},
    "vjp": (lambda t, v: mf.vjp(v, np.ones(3)), CALLED),
    "vjp, x": (lambda t, v: mf.vjp(SUM, v), (*TREES, *WHOLE)),
    "vjp, a gradient": (lambda t, v: mf.vjp(SUM, np.ones(3))[1](v), ("truth", *NUMBERS[:5])),
    "jvp": (lambda t, v: mf.jvp(v, (np.ones(3),), (np.ones(3),)), CALLED),
    "hvp": (lambda t, v: mf.hvp(v, (np.ones(3),), (np.ones(3),)), CALLED),
    "to_torch": (lambda t, v: mf.to_torch(v), ("function", "class", "layer")),
    "to_torch, backend": (lambda t, v: mf.to_torch(SUM, v), OPTIONAL),
    "to_jax": (lambda t, v: mf.to_jax(v), CALLED),
    "to_jax, backend": (lambda t, v: mf.to_jax(SUM, v), OPTIONAL),
    "to_jax, like": (lambda t, v: mf.to_jax(SUM, like=v), ("None", *CALLED, "layer")),
    "from_dlpack": (lambda t, v: mf.from_dlpack(v), ("array",)),
    "from_dlpack, copy": (lambda t, v: mf.from_dlpack(np.ones(2), copy=v), ("None", "truth")),
    "export_onnx": (lambda t, v: mf.export_onnx(v, t.folder / "f.onnx", np.ones((2, 3))), (*CALLED, "layer")),
    "export_onnx, path": (lambda t, v: mf.export_onnx(SUM, v, np.ones((2, 3))), ("text",)),
    "export_onnx, feed": (lambda t, v: mf.export_onnx(mf.Program(t.cost), t.folder / "f.onnx", v), ()),
    "export_onnx, free_batch": (
        lambda t, v: mf.export_onnx(SUM, t.folder / "f.onnx", np.ones((2, 3)), free_batch=v),
        ("truth", "empty list", "iterator"),
    ),
    "load_state_dict": (lambda t, v: mf.load_state_dict(v, {}), ()),
    "load_state_dict, source": (lambda t, v: mf.load_state_dict(mf.Dense(3, 2), v), ()),
    "load_state_dict, item": (lambda t, v: mf.load_state_dict(mf.Dense(3, 2), {"weight": v, "bias": np.ones(2)}), ()),
    "load_state_dict, names": (lambda t, v: mf.load_state_dict(mf.Dense(3, 2), {}, names=v), ()),
    "load_state_dict, space": (lambda t, v: mf.load_state_dict(mf.Dense(3, 2), {}, space=v), ()),
    "state_dict": (lambda t, v: mf.state_dict(v), ("layer",)),
    "state_dict, like": (lambda t, v: mf.state_dict(mf.Dense(3, 2), v), OPTIONAL),
    "state_dict, form": (lambda t, v: mf.state_dict(mf.Dense(3, 2), form=v), ()),
    "state_dict, space": (lambda t, v: mf.state_dict(mf.Dense(3, 2), space=v), ("None", "list of numbers", *ARRAYS)),
    "jit": (lambda t, v: mf.jit(v), ("function", "class", "layer")),
    "checkpoint": (lambda t, v: mf.checkpoint(v), ("function", "class", "layer")),
    "custom_vjp": (lambda t, v: mf.custom_vjp(v), ("function", "class", "layer")),
    "custom_vjp.defvjp": (lambda t, v: mf.custom_vjp(SUM).defvjp(v, v), ("function", "class", "layer")),
    # checkpoints
    "Keeper": (lambda t, v: checkpoint.Keeper(v), ("text",)),
    "Keeper, keep": (lambda t, v: checkpoint.Keeper(t.folder, v), ("3",)),
    "Keeper, best": (lambda t, v: checkpoint.Keeper(t.folder, best=v), ()),
    "Keeper.path": (lambda t, v: checkpoint.Keeper(t.folder).path(v), ("0", "3")),
    "Keeper.save, step": (lambda t, v: checkpoint.Keeper(t.folder / "s").save(v, checkpoint.State({}, {})), ("0", "3")),
    "Keeper.save, state": (lambda t, v: checkpoint.Keeper(t.folder / "s").save(1, v), ()),
    "Keeper.save, score": (
        lambda t, v: checkpoint.Keeper(t.folder / "s").save(1, checkpoint.State({}, {}), v),
        ("None", *NUMBERS[:5]),
    ),
    "save, path": (lambda t, v: checkpoint.save(v, checkpoint.State({}, {})), ("text",)),
    "save": (lambda t, v: checkpoint.save(t.folder / "c", v), ()),
    "save, arrays": (lambda t, v: checkpoint.save(t.folder / "c", checkpoint.State(v, {})), ()),
    "save, an array": (lambda t, v: checkpoint.save(t.folder / "c", checkpoint.State({"a": v}, {})), ("array",)),
    "save, meta": (lambda t, v: checkpoint.save(t.folder / "c", checkpoint.State({}, v)), ("mapping",)),
    "save, an entry": (
        lambda t, v: checkpoint.save(t.folder / "c", checkpoint.State({}, {"a": v})),
        (
            "None",
            "truth",
            *NUMBERS[:4],
            "1e400",
            "text",
            "NUL",
            "empty list",
            "list of numbers",
            "list of texts",
            "tuple",
            "mapping",
        ),
    ),
    "checkpoint.load": (lambda t, v: checkpoint.load(v), ()),
    "restore, trainer": (lambda t, v: checkpoint.restore(v, checkpoint.trainer_state(t.trainer)), ()),
    "restore": (lambda t, v: checkpoint.restore(t.trainer, v), ()),
    "trainer_state": (lambda t, v: checkpoint.trainer_state(v), ()),
    # data
    "data.load": (lambda t, v: data.load(v), ()),
    "data.load, task": (lambda t, v: data.load("diabetes", v), ()),
    "read_table": (lambda t, v: data.read_table(v, "b"), ()),
    "read_table, target": (lambda t, v: data.read_table(t.table(), v), ()),
    "read_table, task": (lambda t, v: data.read_table(t.table(), "b", v), ()),
    "read_data": (lambda t, v: data.read_data(v, "b"), ()),
    "hold_out": (lambda t, v: data.hold_out(v, 0.5, np.random.default_rng(0)), ()),
    "hold_out, fraction": (
        lambda t, v: data.hold_out(data.read_table(t.table(), "b", "regression"), v, np.random.default_rng(0)),
        ("0.5",),
    ),
    "hold_out, rng": (lambda t, v: data.hold_out(data.read_table(t.table(), "b", "regression"), 0.5, v), ()),
    "hold_out, dtype": (
        lambda t, v: data.hold_out(data.read_table(t.table(), "b", "regression"), 0.5, np.random.default_rng(0), v),
        (),
    ),
    "open_npy": (lambda t, v: npy.open_npy(v), ()),
    "read_npz": (lambda t, v: npy.read_npz(v), ()),
    "read_idx": (lambda t, v: idx.read_idx(v), ()),
}


def hashable(value):
    """``value`` as a key."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value


def end_of(call, things, value):
    """The error that a call ends in, None where it ends in none."""
    try:
        call(things, value)
    except Exception as error:
        return error
    return None


def is_ours(error):
    """Is it one of our errors, with all its parts?"""
    return isinstance(error, errors.MiniflowError) and all(
        part.strip() for part in (error.where, error.got, error.expected, error.remedy)
    )


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_call_ends_in_an_error_of_ours(backend, tmp_path, monkeypatch, door):
    monkeypatch.chdir(tmp_path)
    call, fine = DOORS[door]
    assert set(fine) <= WRONG.keys()
    ends = {wrong: end_of(call, Things(tmp_path), WRONG[wrong]) for wrong in WRONG.keys() - set(fine)}
    assert {wrong: end for wrong, end in ends.items() if not is_ours(end)} == {}


def test_the_table_has_every_function_that_takes_something():
    told = {word for door in DOORS for word in door.replace(",", " ").replace(".", " ").split()}
    others = {"Backend", "Elementwise", "MiniflowError", "available_backends", "get_backend", "to_numpy"}
    others |= {"differentiable_namespace", "special", "stop_gradient"}  # which take anything, or a namespace
    assert set(mf.__all__) - others <= told


class OwnError(Exception):
    """A user's own."""


def raising(*_):
    raise OwnError("in a user's own function")


def rows_that_end():
    yield np.ones(3), np.ones(1)
    raise OwnError("in a user's own generator")


OWN = {
    "a schedule": lambda t: t.fit(schedule=raising),
    "a callback": lambda t: t.fit(callbacks=[raising]),
    "a metric": lambda t: mf.evaluate(t.cost, t.validation(metrics={"m": raising})),
    "an initialiser": lambda t: mf.Dense(3, 1, initialiser=raising)(t.x),
    "an activation": lambda t: mf.Dense(3, 1, raising)(t.x),
    "a function in a model": lambda t: mf.Sequential([raising])(t.x),
    "a function of rows": lambda t: rows_of(raising),
    "rows": lambda t: t.fit(batches=mf.Batches(rows_that_end, batch_size=1)),
    "feeds": lambda t: mf.predict(t.output, ({t.x: row} for row, _ in rows_that_end())),
    "feeds ahead": lambda t: list(prefetched({t.x: row} for row, _ in rows_that_end())),
}


@pytest.mark.parametrize("where", OWN)
def test_an_error_in_a_users_own_function_comes_through_unchanged(backend, tmp_path, where):
    with pytest.raises(OwnError):
        OWN[where](Things(tmp_path))


def test_a_range_has_rows():
    (batch,) = mf.Batches(range(8), shuffle=False).epoch(0)
    assert batch.X.tolist() == list(range(8))
