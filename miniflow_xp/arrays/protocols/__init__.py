"""Functions of NumPy and PyTorch on traced arrays: their names, said in functions of our namespace.

Each library asks an array that is not its own what to do (``__array_ufunc__``, ``__array_function__``,
``__torch_function__``). The tables say it; a gradient is that of what is called there, and no rule stands here.
"""
