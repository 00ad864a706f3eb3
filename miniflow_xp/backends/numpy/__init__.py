"""NumPy: the adapter, and capture: a recorded step is laid out in buffers once and then replayed without allocating."""
