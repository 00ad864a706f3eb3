"""Calls of other libraries' functions, unmodified, and the verdict on their gradients."""
