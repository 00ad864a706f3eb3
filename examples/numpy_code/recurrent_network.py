"""A recurrent network that adds up a signal: tanh units, one step of time after the other."""

import numpy as np


def loss(parameters, signal, target):
    """The mean squared error of the outputs; ``signal`` (time, batch, inputs), ``target`` (time, batch)."""
    state = np.zeros((signal.shape[1], parameters["recurrent"].shape[0]))
    outputs = []
    for x in signal:
        state = np.tanh(x @ parameters["input"] + state @ parameters["recurrent"] + parameters["bias"])
        outputs.append(np.dot(state, parameters["output"]))
    return np.mean(np.square(np.stack(outputs) - target))


def problem(time=12, batch=16, inputs=3, hidden=24, seed=0):
    """Parameters to start from, and data."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=(time, batch, inputs))
    parameters = {
        "input": random.normal(size=(inputs, hidden)) / np.sqrt(inputs),
        "recurrent": random.normal(size=(hidden, hidden)) / np.sqrt(hidden),
        "bias": np.zeros(hidden),
        "output": random.normal(size=hidden) / np.sqrt(hidden),
    }
    return parameters, signal, np.cumsum(signal[:, :, 0], axis=0) / 10
