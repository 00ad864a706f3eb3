"""Networks without bookkeeping: layers that own their Parameters and build nodes when they are called on one.

model = Sequential([Dense(784, 256), ReLU, Dropout(0.1), Dense(256, 10)], seed=0)
cost = CrossEntropy(labels, model(images))
prediction = model(images, training=False)  # the same Parameters, nothing dropped
"""

from miniflow_xp.layers.activation import Activation
from miniflow_xp.layers.attention import MultiHeadAttention
from miniflow_xp.layers.batch_norm import BatchNorm
from miniflow_xp.layers.convolution import Conv1D, Conv2D
from miniflow_xp.layers.dense import Dense
from miniflow_xp.layers.dropout import Dropout
from miniflow_xp.layers.embedding import Embedding
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.layers.norm import LayerNorm
from miniflow_xp.layers.pooling import Flatten, MaxPool, MeanPool
from miniflow_xp.layers.sequential import Sequential

__all__ = [
    "Activation",
    "BatchNorm",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "Layer",
    "LayerNorm",
    "MaxPool",
    "MeanPool",
    "MultiHeadAttention",
    "Part",
    "Sequential",
]
