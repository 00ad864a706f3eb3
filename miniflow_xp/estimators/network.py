"""The network behind an estimator: layers and costs, trained by ``fit``, asked by a Program, on one backend."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array, Backend
from miniflow_xp.data.moments import Moments
from miniflow_xp.dtypes import of_host
from miniflow_xp.engine.optim import Optimizer
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DivergedError
from miniflow_xp.estimators.losses import WeighedCrossEntropy, WeighedMSE
from miniflow_xp.estimators.rows import RowBatches, Rows, filled
from miniflow_xp.layers import Dense, Sequential
from miniflow_xp.node import Input, Node
from miniflow_xp.ops import MSE, CrossEntropy, LogSoftmax
from miniflow_xp.switch import Choice, to_numpy
from miniflow_xp.training import Validation, fit
from miniflow_xp.training.evaluation import Metric
from miniflow_xp.training.history import History


class Form(NamedTuple):
    """What a network is built from; ``classifies``: are its outputs logits of classes?"""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: Callable[[Node], Node] | None
    classifies: bool
    dtype: str

    def layers(self, seed: int) -> Sequential:
        """Dense layers, with the activation after each but the last."""
        sizes = [self.inputs, *self.hidden]
        hidden = [Dense(a, b, self.activation) for a, b in pairwise(sizes)]
        return Sequential([*hidden, Dense(sizes[-1], self.outputs)], seed=seed, dtype=self.dtype)


class Network:
    """Layers with a cost for plain rows and one for weighed ones, which share Parameters and the optimizer's state.

    ``program`` gives log softmax of the logits where it classifies, else the outputs. ``moments``: of all rows that it
    was trained on, in their own units, and ``target_moments`` of what is predicted; None where they are not
    standardised. ``choice``: the backend; ``like``: no rows, of the library and device that those of ``fit`` had.
    """

    def __init__(self, form: Form, seed: int, choice: Choice, like: Array) -> None:
        self.form, self.seed, self.choice, self.like = form, seed, choice, like
        self.epochs = 0
        self.model = form.layers(seed)
        self.X, self.weights = Input("features"), Input("sample weights")
        self.y = Input("labels", dtype=int) if form.classifies else Input("target")
        output = self.model(self.X)
        plain, weighed = (CrossEntropy, WeighedCrossEntropy) if form.classifies else (MSE, WeighedMSE)
        self.costs = plain(self.y, output), weighed(self.y, output, sample_weights=self.weights)
        self.output = output
        self.program = Program(LogSoftmax(output) if form.classifies else output)
        self.trainer: Trainer | None = None
        self.moments: Moments | None = None
        self.target_moments: Moments | None = None

    @property
    def host_dtype(self) -> str:
        """The float dtype of what is fed from the host."""
        return of_host(self.form.dtype)

    @contextmanager
    def unless_it_fails(self) -> Iterator[None]:
        """What has been seen in the block counts where it ends well: a bad row does not spoil what was learned."""
        before = self.moments, self.target_moments
        try:
            yield
        except BaseException:
            self.moments, self.target_moments = before
            raise

    def begin(self, optimizer: Optimizer) -> None:
        """Start, or start anew, with a fresh optimizer."""
        self.trainer = Trainer(self.costs[0], optimizer, self.model.parameters)

    def trainer_for(self, weighed: bool) -> Trainer:
        """The trainer on the cost for rows with weights or without, which goes on where the last one was."""
        assert self.trainer is not None
        if self.trainer.cost is not self.costs[weighed]:
            before = self.trainer
            self.trainer = Trainer(self.costs[weighed], before.optimizer, self.model.parameters)
            self.trainer.restore(before.snapshot())
        return self.trainer

    def inputs(self, rows: Rows) -> list[Input]:
        """What the arrays of a batch feed."""
        return [self.X, self.y, self.weights][: 1 + len(rows.others)]

    def train(
        self,
        rows: Rows,
        epochs: int,
        batch_size: int,
        shuffle: bool,
        watched: tuple[Rows, Metric] | None,
        callbacks: Sequence[Callable[[Any], Any]],
    ) -> History:
        """Train on the backend in use; ``watched``: rows that are not trained on, and what is measured of them.

        Raises DivergedError where a cost or a parameter is no longer finite.
        """
        trainer = self.trainer_for(weighed=len(rows.others) == 2)
        validation = None
        if watched is not None:
            held, metric = watched
            feeds = [dict(zip(self.inputs(held), part, strict=True)) for part in held.parts()]
            validation = Validation(feeds, self.output, self.y, {"score": metric})
        batches = RowBatches(rows, batch_size, self.seed, shuffle, self.epochs)
        with np.errstate(all="ignore"):  # what is not finite is an error of its own
            history = fit(
                trainer,
                self.inputs(rows),
                batches,
                epochs,
                validation=validation,
                callbacks=callbacks,
                progress=False,
            )
        self.epochs += len(history)
        for parameter in trainer.parameters:
            if not np.isfinite(to_numpy(parameter.value)).all():
                raise DivergedError(
                    f"{parameter}, after epoch {len(history)}",
                    "a value is not finite",
                    "training goes on while all are",
                    "Lower the learning rate, or look at the rows",
                )
        return history

    def outputs(self, rows: Rows, backend: Backend) -> Array:
        """What the program gives for all rows, on the backend in use."""
        found = []
        with backend.activate():
            for (part,) in rows.parts():
                values = self.program({self.X: filled(part)}).values
                found.append(values[: part.shape[0], ...])
            return found[0] if len(found) == 1 else backend.xp.concat(found, axis=0)
