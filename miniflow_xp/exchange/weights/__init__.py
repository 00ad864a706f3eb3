"""Weights of PyTorch and Keras in our layers, and back."""
