"""Networks without bookkeeping: layers that own their Parameters and build nodes when they are called on one.

model = Sequential([Dense(784, 256), ReLU, Dropout(0.1), Dense(256, 10)], seed=0)
cost = CrossEntropy(labels, model(images))
prediction = model(images, training=False)  # the same Parameters, nothing dropped
"""

from miniflow_xp.layers.activation import Activation
from miniflow_xp.layers.dense import Dense
from miniflow_xp.layers.dropout import Dropout
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.layers.norm import LayerNorm
from miniflow_xp.layers.sequential import Sequential

__all__ = ["Activation", "Dense", "Dropout", "Layer", "LayerNorm", "Part", "Sequential"]
