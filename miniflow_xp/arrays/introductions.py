"""Libraries that keep a list of the kinds of arrays they know: traced arrays get onto it, once these are imported."""

import sys
from importlib import import_module

KEEPERS = {"einops._backends": "miniflow_xp.arrays.einops_backend"}
"""{module that keeps a list: module of ours whose import enters traced arrays there}"""


def introduce() -> None:
    """Let the libraries that are imported know of traced arrays; nothing is imported for it that is not yet."""
    for keeper, ours in KEEPERS.items():
        if keeper in sys.modules and ours not in sys.modules:
            import_module(ours)
