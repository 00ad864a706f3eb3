"""The versions that verdicts belong to."""

from importlib.metadata import PackageNotFoundError, version

OF_NUMPY = ("numpy", "scipy", "scikit-learn", "xarray", "einops", "array-api-extra", "array-api-compat")
ALL = (*OF_NUMPY, "torch", "jax")


def versions() -> dict[str, str]:
    """{package: its version}, of those that are installed."""
    found = {}
    for package in ALL:
        try:
            found[package] = version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found
