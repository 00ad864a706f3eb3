"""PyTorch: the adapter, copies to a GPU, and a step replayed into planned memory."""
