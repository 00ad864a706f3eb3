"""Capture on NumPy: a recorded step is laid out in buffers once and then replayed without allocating."""
