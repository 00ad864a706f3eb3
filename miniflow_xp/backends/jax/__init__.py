"""JAX: the adapter, and a step under jax.jit."""
