"""All rows, of the libraries that are installed."""

import importlib.util
from importlib import import_module

from .call import Call

LIBRARIES = {
    "SciPy": ("scipy", "scipy_calls"),
    "scikit-learn": ("sklearn", "sklearn_calls"),
    "xarray": ("xarray", "xarray_calls"),
    "einops": ("einops", "einops_calls"),
    "array-api-extra": ("array_api_extra", "extra_calls"),
}
"""{library: (its package, the module with its rows)}"""


def missing() -> list[str]:
    """The packages that are not installed."""
    return [package for package, _ in LIBRARIES.values() if importlib.util.find_spec(package) is None]


def rows() -> list[Call]:
    """The rows of the libraries that are installed, in their order."""
    absent = missing()
    modules = [module for package, module in LIBRARIES.values() if package not in absent]
    return [call for module in modules for call in import_module(f".{module}", __package__).row.calls]
