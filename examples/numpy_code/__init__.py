"""Programs of plain NumPy code, which know nothing of gradients."""
