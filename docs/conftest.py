"""Pages whose examples need an optional package are left out where it is missing."""

from importlib.util import find_spec

NEEDS = {"estimators.md": "sklearn", "tables.md": "pyarrow"}

collect_ignore = [page for page, package in NEEDS.items() if find_spec(package) is None]
