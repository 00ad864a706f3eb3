"""Pages whose examples need packages that are not everywhere: they are run where all of them are installed."""

from importlib.util import find_spec

NEEDS = {
    "index.md": ("torch", "jax"),
    "estimators.md": ("sklearn",),
    "exchange.md": ("torch", "jax", "onnx", "onnxruntime"),
    "tables.md": ("pyarrow",),
    "tutorials/own-model.md": ("torch",),
    "tutorials/scale-out.md": ("torch",),
    "tutorials/scipy-code.md": ("scipy",),
    "tutorials/scipy-optimize.md": ("scipy",),
}

collect_ignore = [page for page, packages in NEEDS.items() if not all(map(find_spec, packages))]
