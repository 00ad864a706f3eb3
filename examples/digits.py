"""Handwritten digits: layers, dropout, Adam with a schedule, early stopping, and the best network kept in a file.

The digits are in three parts. One is trained on; one is watched, to stop in time and to choose the best epoch; the
third is not looked at before the end, and only its accuracy says how well unseen digits are read.

    python examples/digits.py [FOLDER]

With FOLDER the checkpoints stay there: interrupt it by Ctrl-C, start it again, and it goes on. Without, they are
deleted at the end.
"""

import sys
from tempfile import TemporaryDirectory

import numpy as np

from miniflow_xp import (
    Adam,
    Batches,
    CrossEntropy,
    Dense,
    Dropout,
    Input,
    ReLU,
    Sequential,
    Trainer,
    Validation,
    evaluate,
    fit,
    predict,
)
from miniflow_xp.checkpoints import Keeper, restore
from miniflow_xp.data import load
from miniflow_xp.metrics import accuracy
from miniflow_xp.schedules import cosine
from miniflow_xp.training.history import Epoch


def report(epoch: Epoch) -> None:
    """One line for an epoch."""
    cost, right = epoch.validation["cost"], epoch.validation["accuracy"]
    print(f"epoch {epoch.number + 1:2}: cost {epoch.cost:.4f}, watched {cost:.4f}, accuracy {100 * right:.1f} %")


def main(folder: str, epochs: int = 40, seed: int = 0) -> dict[str, object]:
    """Train, go back to the best epoch, and read the unseen digits."""
    digits = load("digits")
    order = np.random.default_rng(seed).permutation(len(digits.target))
    X, y = digits.features[order].astype("float32") / 16, digits.target[order]  # pixels go from 0 to 16
    trained, watched, unseen = slice(0, 1200), slice(1200, 1440), slice(1440, None)
    batches = Batches(X[trained], y[trained], batch_size=64, seed=seed)

    model = Sequential([Dense(64, 256), ReLU, Dropout(0.5), Dense(256, 10)], seed=seed)
    print(model)
    images, labels = Input("images"), Input("labels", dtype=int)
    logits = model(images, training=False)  # the same Parameters as below, nothing dropped
    trainer = Trainer(CrossEntropy(labels, model(images)), Adam(0.01))

    keeper = Keeper(folder, keep=1)  # the last checkpoint and the best one
    feeds = [{images: X[watched], labels: y[watched]}]
    validation = Validation(feeds, logits, labels, {"accuracy": accuracy}, CrossEntropy(labels, logits))
    history = fit(
        trainer,
        [images, labels],
        batches,
        epochs,
        validation=validation,
        schedule=cosine(epochs * len(batches), warm_up=len(batches)),
        patience=10,
        callbacks=[report],
        checkpoints=keeper,
        resume=True,
    )
    restore(trainer, keeper.best())
    best = evaluate(trainer.cost, validation)
    right = accuracy(predict(logits, [{images: X[unseen]}]), y[unseen])
    print(f"Ended: {history.ended}. Epoch {history.best + 1} was the best one: {100 * best['accuracy']:.1f} % watched.")
    print(f"Of {len(y[unseen])} unseen digits it reads {100 * right:.1f} % right.")
    return {"accuracy": right, "history": history, "best": best, "best_step": keeper.best().meta["step"]}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with TemporaryDirectory() as temporary:
            main(temporary)
