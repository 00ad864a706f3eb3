"""CuPy: the adapter, and capture: elementwise chains in one kernel, products that may be captured, a CUDA graph.

Written from CuPy's and NVIDIA's documentation and sources, and seen with CuPy 14.2 on a stand-in for CUDA; what it does
on a GPU waits for ``miniflow-xp verify-gpu``.

expressions, sources: an equation, then a chain of them, as C. groups: which equations share a kernel. layout, blas,
product: the matrix product. equations, homes, plan: the step as a list of calls. capture, turns: the CUDA graph. nvrtc:
compiling without a GPU. Of all these only gpu, kernels, product, capture and nvrtc import CuPy.
"""
