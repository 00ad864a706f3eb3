"""The namespace that a rule is handed while it is recorded, in place of an array library's."""

from types import ModuleType
from typing import Any

from miniflow_xp.recording.refusals import not_recorded
from miniflow_xp.recording.traced import Apply, traced


class Namespace:
    """An array library's namespace whose functions are recorded."""

    def __init__(self, xp: Any, apply: Apply) -> None:
        self._xp = xp
        self._apply = apply

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._xp, name)
        if isinstance(found, ModuleType):
            return Extension(found, name)
        if not callable(found) or isinstance(found, type):
            return found  # a dtype, or a number such as pi

        apply = self._apply  # and not self, which holds this function: counting references frees what was recorded

        def recorded(*args: Any, **keywords: Any) -> Any:
            if traced(args):
                return apply(name, args, keywords)
            return found(*args, **keywords)

        setattr(self, name, recorded)
        return recorded


class Extension:
    """An extension of the standard, such as ``linalg``, whose functions are called but not recorded."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module = module
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)

        def unrecorded(*args: Any, **keywords: Any) -> Any:
            if traced([*args, *keywords.values()]):
                raise not_recorded(f"{self._name}.{name} is not recorded")
            return found(*args, **keywords)

        return unrecorded if callable(found) and not isinstance(found, type) else found
