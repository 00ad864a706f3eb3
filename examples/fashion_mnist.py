"""Fashion-MNIST: 60,000 images of clothes from IDX files, a network 784-256-10, and its accuracy on 10,000 others.

The folder holds the four files by their usual names, plain or compressed (.gz). The page
https://github.com/zalandoresearch/fashion-mnist tells where to get them. With --peers, scikit-learn's MLPClassifier
and a plain PyTorch loop train the same network in the same run, where they are installed: see fashion_mnist_peers.py.

    python examples/fashion_mnist.py FOLDER [--epochs 12] [--peers]       (or set the variable FASHION_MNIST)
"""

import argparse
import os
from pathlib import Path
from statistics import median

import numpy as np

from miniflow_xp import Adam, Batches, CrossEntropy, Dense, Input, ReLU, Sequential, Trainer, fit, get_backend, predict
from miniflow_xp.data.idx_folder import TEST, TRAIN, Pair, read_pair
from miniflow_xp.metrics import accuracy
from miniflow_xp.training.history import Epoch

HIDDEN, BATCH, RATE = 256, 128, 0.001


def read(folder: Path, names: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The images of a pair of files, as rows of float32 from 0 to 1, and their labels."""
    images, labels = (named.array for named in read_pair(folder, names))
    return images.reshape(len(images), -1).astype("float32") / 255, labels.astype("int64")


def main(folder: str | Path, epochs: int = 12, seed: int = 0, peers: bool = False) -> dict[str, dict[str, object]]:
    """Train; returns {contestant: {"accuracy": on the test images, "seconds": of each epoch, "costs": of each}}."""
    X, y = read(Path(folder), TRAIN)
    X_test, y_test = read(Path(folder), TEST)
    pixels, classes = X.shape[1], int(y.max()) + 1
    print(f"{len(y):,} images to train on, {len(y_test):,} to test; {pixels}-{HIDDEN}-{classes}")
    print(get_backend().describe())

    model = Sequential([Dense(pixels, HIDDEN, ReLU), Dense(HIDDEN, classes)], seed=seed)
    images, labels = Input("images"), Input("labels", dtype=int)
    logits = model(images)
    trainer = Trainer(CrossEntropy(labels, logits), Adam(RATE))
    batches = Batches(X, y, batch_size=BATCH, seed=seed)

    others = []
    if peers:
        from fashion_mnist_peers import contestants, say_threads

        say_threads()
        others = contestants(model, X, y, batches, RATE)

    def epoch_of_the_others(epoch: Epoch) -> None:
        print(f"epoch {epoch.number + 1}: cost {epoch.cost:.4f}, {epoch.seconds:.2f} s")
        for other in others:
            other.epoch(epoch.number)

    history = fit(trainer, [images, labels], batches, epochs, callbacks=[epoch_of_the_others], progress=False)
    ours = accuracy(predict(logits, [{images: X_test[n : n + 1000]} for n in range(0, len(X_test), 1000)]), y_test)
    found = {
        "miniflow_xp": {"accuracy": ours, "seconds": [e.seconds for e in history], "costs": [e.cost for e in history]}
    }
    for other in others:
        found[other.name] = {"accuracy": other.accuracy(X_test, y_test), "seconds": other.seconds, "costs": other.costs}
    for name, result in found.items():
        right, seconds = 100 * result["accuracy"], median(result["seconds"])
        ratio = median(b / a for a, b in zip(found["miniflow_xp"]["seconds"], result["seconds"], strict=True))
        print(f"{name}: test accuracy {right:.2f} %, median time per epoch {seconds:.3f} s, {ratio:.2f} times ours")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train on Fashion-MNIST.")
    parser.add_argument("folder", nargs="?", default=os.environ.get("FASHION_MNIST"), help="where the IDX files are")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--peers", action="store_true", help="train scikit-learn and PyTorch beside it")
    asked = parser.parse_args()
    if asked.folder is None:
        parser.error("name the folder of the IDX files, or set FASHION_MNIST")
    main(asked.folder, asked.epochs, peers=asked.peers)
