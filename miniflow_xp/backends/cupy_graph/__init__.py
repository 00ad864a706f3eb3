"""Capture on CuPy: elementwise chains in one kernel each, a product that may be captured, the step as a CUDA graph.

Written from CuPy's and NVIDIA's documentation and sources. What needs no device is tested without one; everything that
runs on a GPU waits for ``miniflow-xp verify-gpu``.

expressions, sources: an equation, then a chain of them, as C. groups: which equations share a kernel. layout, blas,
product: the matrix product. equations, homes, plan: the step as a list of calls. capture: the CUDA graph. nvrtc:
compiling without a GPU. Only gpu, kernels, product, capture and nvrtc import CuPy.
"""
