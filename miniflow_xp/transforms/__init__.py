"""Transformations: from a function of arrays to its gradients, products and Jacobians, and to one that is captured."""
